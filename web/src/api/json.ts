/** JSON whose whole numbers stay exact, though a number here has 53 bits: larger ones come as texts of their digits. */

/** Reads JSON; whole numbers beyond 2^53 come as texts. */
export function exactJson<T>(text: string): T {
  if (!/\d{17}|9\d{15}/.test(text)) return JSON.parse(text) as T;
  const quoted = text.replace(/"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g, (token) =>
    /^-?\d{16,}$/.test(token) && !Number.isSafeInteger(Number(token)) ? `"${token}"` : token);
  return JSON.parse(quoted) as T;
}

/** Whether a value is a whole number beyond 2^53, as `exactJson` gives it. */
export const isLargeInteger = (value: unknown): value is string =>
  typeof value === 'string' && /^-?\d{16,19}$/.test(value) && !Number.isSafeInteger(Number(value));

/** The value as a chart draws it: a large whole number to the nearest one that a number here can be. */
export const drawable = <T>(value: T): T | number => (isLargeInteger(value) ? Number(value) : value);
