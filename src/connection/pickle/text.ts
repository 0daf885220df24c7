import { UnpicklingError } from '../../errors.ts';

/** Half a surrogate pair: Python may have them in a string, and writes them as if they were letters of their own. */
const loneSurrogate = /[\ud800-\udfff]/u;
const surrogates = /[\ud800-\udfff]/gu;
/** How the first of the three bytes of one begins. */
const surrogateByte = 0xed;

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Whether UTF-8 as everybody knows it has this text. */
export function isWellFormed(text: string): boolean {
  return !loneSurrogate.test(text);
}

/** Python's `s.encode('utf-8', 'surrogatepass')`. */
export function encodeText(text: string): Buffer {
  const parts: Buffer[] = [];
  let at = 0;
  for (const { 0: unit, index } of text.matchAll(surrogates)) {
    const code = unit.charCodeAt(0);
    parts.push(
      Buffer.from(text.slice(at, index)),
      Buffer.from([surrogateByte, 0x80 | ((code >> 6) & 0x3f), 0x80 | (code & 0x3f)]),
    );
    at = index + 1;
  }
  return Buffer.concat([...parts, Buffer.from(text.slice(at))]);
}

/** Python's `b.decode('utf-8', 'surrogatepass')`. */
export function decodeText(bytes: Buffer): string {
  try {
    return decoder.decode(bytes);
  } catch {
    return decodeParts(bytes);
  }
}

function decodeParts(bytes: Buffer): string {
  let text = '';
  let from = 0;
  try {
    for (let at = bytes.indexOf(surrogateByte); at >= 0; at = bytes.indexOf(surrogateByte, at + 1)) {
      const [, second = 0, third = 0] = bytes.subarray(at, at + 3);
      if (second < 0xa0 || second > 0xbf || third < 0x80 || third > 0xbf) continue;
      text += decoder.decode(bytes.subarray(from, at));
      text += String.fromCharCode(0xd000 | ((second & 0x3f) << 6) | (third & 0x3f));
      from = at + 3;
    }
    return text + decoder.decode(bytes.subarray(from));
  } catch {
    throw new UnpicklingError('The message holds a text that is no UTF-8.');
  }
}

/** Python's raw-unicode-escape, in which protocol 0 writes texts; it writes backslashes and line ends as escapes too. */
export function decodeEscapes(line: string): string {
  return line.replaceAll(/\\u([\da-fA-F]{4})|\\U([\da-fA-F]{8})/g, (_, short?: string, long?: string) => {
    const code = Number.parseInt(short ?? long!, 16);
    if (code > 0x10ffff) throw new UnpicklingError('The message holds a text with a letter that does not exist.');
    return String.fromCodePoint(code);
  });
}
