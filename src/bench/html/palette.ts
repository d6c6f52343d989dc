/**
 * Colours by use, for light pages and dark ones. Text has a contrast of 4.5 and more on its ground, what is drawn 3 and more
 * (WCAG 2.2, 1.4.3 and 1.4.11). Tones are told apart by those who see no red, no green or no blue, and besides by the shapes
 * of their marks and the names beside them; a test holds all of that.
 */
export const palette = {
  light: {
    ...{ ground: '#ffffff', panel: '#f4f6f8', ink: '#171b20', faint: '#565e68', rule: '#d5dae0' },
    ...{ xfer: '#1f5fbf', baseline: '#52915f', peer: '#b4560a', reference: '#68707a' },
    tones: ['#1f5fbf', '#b4560a', '#52915f', '#b25aa7', '#504908', '#746c6e'],
  },
  dark: {
    ...{ ground: '#14171a', panel: '#1e2226', ink: '#e9ebee', faint: '#a9b1ba', rule: '#3a4047' },
    ...{ xfer: '#6ea8fe', baseline: '#85e497', peer: '#f2a359', reference: '#9ba4ae' },
    tones: ['#6ea8fe', '#f2a359', '#85e497', '#e87299', '#b4944a', '#c4bbbd'],
  },
} as const;
