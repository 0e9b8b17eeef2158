/** The device's key that first steps made, for as long as the app is open: its text can be had only once. */
export const kept = $state<{ project: number; token: string; device: string }>({ project: 0, token: '', device: 'my-first-device' });
