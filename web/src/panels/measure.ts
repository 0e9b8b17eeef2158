// Numbers as panels show them: few digits, a unit, and thresholds.

/** A number for people: about four digits, no noise, a real minus. */
export function shown(value: unknown, decimals?: number): string {
  if (value === null || value === undefined) return '–';
  if (typeof value === 'boolean') return value ? 'true' : 'false';
  if (typeof value !== 'number') return String(value);
  if (!Number.isFinite(value)) return '–';
  if (decimals !== undefined) return signed(value.toFixed(decimals));
  const size = Math.abs(value);
  if (size !== 0 && (size >= 1e9 || size < 1e-4)) return signed(value.toExponential(2).replace('e+', 'e'));
  const digits = size >= 1000 ? 0 : size >= 100 ? 1 : size >= 1 ? 2 : 4;
  return signed(String(Number(value.toFixed(digits))));
}

function signed(text: string): string {
  const [whole = '', rest] = text.replace(/^-(?=[0.]+$)/, '').split('.');
  // Commas between thousands; four digits stay together.
  const grouped = /^-?\d{5,}$/.test(whole) ? whole.replace(/\B(?=(\d{3})+$)/g, ',') : whole;
  return (rest === undefined ? grouped : `${grouped}.${rest}`).replace(/^-/, '\u2212');
}

export type Level = 'good' | 'warning' | 'alarm';

/** Which threshold a value has passed. An alarm below the warning means: low is bad. */
export function levelOf(value: unknown, warning?: number, alarm?: number): Level {
  if (typeof value !== 'number') return 'good';
  const low = warning !== undefined && alarm !== undefined && alarm < warning;
  const past = (bound: number | undefined) => bound !== undefined && (low ? value <= bound : value >= bound);
  if (past(alarm)) return 'alarm';
  return past(warning) ? 'warning' : 'good';
}

/** An option that shall be a number. */
export function numberOf(option: unknown): number | undefined {
  if (typeof option === 'number' && Number.isFinite(option)) return option;
  if (typeof option === 'string' && option.trim() !== '' && Number.isFinite(Number(option))) return Number(option);
  return undefined;
}

/** The stretches of a gauge, for its thresholds. */
export function marksOf(least: number, warning?: number, alarm?: number): { from: number; kind: 'ok' | 'warn' | 'bad' }[] {
  if (warning !== undefined && alarm !== undefined && alarm < warning) {
    return [
      { from: least, kind: 'bad' },
      { from: alarm, kind: 'warn' },
      { from: warning, kind: 'ok' },
    ];
  }
  const marks: { from: number; kind: 'ok' | 'warn' | 'bad' }[] = [];
  if (warning !== undefined) marks.push({ from: warning, kind: 'warn' });
  if (alarm !== undefined) marks.push({ from: alarm, kind: 'bad' });
  return marks;
}

/** A scale that holds the values, from round numbers. */
export function roundScale(values: readonly number[]): { least: number; most: number } {
  const most = Math.max(0, ...values);
  const least = Math.min(0, ...values);
  const round = (value: number) => {
    if (value === 0) return 0;
    const unit = 10 ** Math.floor(Math.log10(Math.abs(value)));
    const found = [1, 2, 2.5, 5, 10].find((factor) => factor * unit >= Math.abs(value) * 0.999) ?? 10;
    return Math.sign(value) * found * unit;
  };
  const scale = { least: round(least), most: round(most) };
  return scale.least === scale.most ? { least: 0, most: 1 } : scale;
}
