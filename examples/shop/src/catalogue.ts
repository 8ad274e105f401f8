/** What the shop sells, and the price in fen (1/100 yuan). */
export const CATALOGUE: ReadonlyMap<string, number> = new Map([
  ['HHKB键盘', 198_000],
  ['静电容键帽', 45_900],
  ['人体工学鼠标', 32_800],
])

/** The first item of the catalogue: what the demonstration buys. */
export const FAVOURITE = 'HHKB键盘'

/** The most of one item that one order may ask for. */
export const QUANTITY_MAX = 1_000

/** Request ids become names of nodes: 1 to 64 letters, digits, `.`, `_` or `-`, the first a letter or digit. */
export const REQUEST_ID: RegExp = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/
