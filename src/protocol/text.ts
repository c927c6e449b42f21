// C0/C1 controls, zero-width, bidi marks, embeddings, overrides and isolates, tags, BOM, line and paragraph separators,
// halves of surrogate pairs.
const unsafe =
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}\p{Cs}]/gu
// ECMA-48 sequences: CSI, OSC/DCS/APC/PM/SOS up to their terminator, and two-byte escapes.
const escapeSequences =
  /\u001b(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[ -/]*[0-~])|\u009b[0-?]*[ -/]*[@-~]/gu

// Most text is: nothing of it goes.
const plain = /^[!-~]+(?: [!-~]+)*$/

/**
 * One line of text from somebody else, safe to print on a terminal (R21): escape sequences, controls, bidi and
 * zero-width characters go, white space is folded, at most four combining marks stay on a character.
 */
export const cleanLine = (text: string): string =>
  plain.test(text)
    ? text
    : text
        .replace(escapeSequences, '')
        .replace(/[\t\n\r\u2028\u2029]+/gu, ' ')
        .replace(unsafe, '')
        .replace(/(\p{M}{4})\p{M}+/gu, '$1')
        .replace(/\s+/gu, ' ')
        .trim()

/** JSON from somebody else: every text in it is a clean line, wherever it is shown later. Throws where it is no JSON. */
export const parseClean = (json: string): unknown =>
  JSON.parse(json, (_name, value) => (typeof value === 'string' ? cleanLine(value) : value))
