// Colours of series: after Okabe and Ito, who chose hues that people who see few colours tell apart, each made darker
// or lighter until it stands out (3 : 1, WCAG 1.4.11) from the light or the dark ground. Beyond eight, dashes differ.

/** On the light ground. */
export const LIGHT = ['#2776c3', '#df6818', '#006e5d', '#b8468f', '#1a98cd', '#8a5f00', '#4b3f9a', '#393b3f'] as const;

/** On the dark ground. The same hues in the same order. */
export const DARK = ['#3b8bc6', '#f1813d', '#10b98b', '#ef9bd4', '#b6e9ff', '#f7da5f', '#a18aff', '#7b797b'] as const;

const DASHES: readonly (readonly number[])[] = [[], [7, 4], [2, 3], [9, 3, 2, 3]];

/** The colour of the series at that place. */
export function colourOf(place: number, dark: boolean): string {
  const colours = dark ? DARK : LIGHT;
  return colours[((place % colours.length) + colours.length) % colours.length] ?? colours[0];
}

/** The dashes of the series at that place, so that the ninth is not the first again. */
export function dashOf(place: number): number[] {
  return [...(DASHES[Math.floor(place / LIGHT.length) % DASHES.length] ?? [])];
}

/** A colour, made see-through. */
export function faded(hex: string, part: number): string {
  const [red, green, blue] = channels(hex);
  return `rgba(${red}, ${green}, ${blue}, ${part})`;
}

/** Red, green and blue of `#rrggbb`, 0 to 255. */
export function channels(hex: string): [number, number, number] {
  const number = Number.parseInt(hex.slice(1), 16);
  return [(number >> 16) & 255, (number >> 8) & 255, number & 255];
}

/** Black or white, whichever can be read better on a colour. */
export function inkOn(hex: string): string {
  const [red, green, blue] = channels(hex).map((part) => (part <= 10 ? part / 3294.6 : ((part / 255 + 0.055) / 1.055) ** 2.4));
  const light = 0.2126 * (red ?? 0) + 0.7152 * (green ?? 0) + 0.0722 * (blue ?? 0);
  return light > 0.179 ? '#0b1112' : '#ffffff';
}
