// Markus Kuhn's UTF-8 decoder stress test as the Autobahn test suite's cases 6.5 to 6.23 group it.

const hex = (words) => words.trim().split(/\s+/).map((word) => Buffer.from(word, 'hex'));
const range = (from, to) => Array.from({ length: to - from }, (_, i) => from + i);
const all = (valid, list) => list.map((bytes) => ({ bytes, valid }));

/** Nineteen groups of {bytes, valid}. */
export function utf8Sequences() {
  const kosme = Buffer.from('cebae1bdb9cf83cebcceb5', 'hex');
  const cut = hex('c0 e080 f08080 f8808080 fc80808080 df efbf f7bfbf fbbfbfbf fdbfbfbfbf');
  const nonCharacters = hex('efbfbe efbfbf');
  for (const plane of range(1, 17)) {
    for (const last of [0xfffe, 0xffff]) nonCharacters.push(Buffer.from(String.fromCodePoint(plane * 0x10000 + last)));
  }
  return [
    all(true, [...['24', 'c2a2', 'e282ac', 'f0a4ada2'].map((one) => Buffer.from(`68656c6c6f${one}776f726c64`, 'hex')), kosme]),
    range(1, kosme.length + 1).map((end) => ({ bytes: kosme.subarray(0, end), valid: [2, 5, 7, 9, 11].includes(end) })),
    all(true, hex('00 c280 e0a080 f0908080')),
    all(false, hex('f888808080 fc8480808080')),
    all(true, hex('7f dfbf efbfbf f48fbfbf')),
    all(false, hex('f7bfbfbf fbbfbfbfbf fdbfbfbfbfbf')),
    [...all(true, hex('ed9fbf ee8080 efbfbd f48fbfbf')), ...all(false, hex('f4908080'))],
    all(false, [...hex('80 bf 80bf 80bf80 80bf80bf 80bf80bf80 80bf80bf80bf'), Buffer.from(range(0x80, 0xbf))]),
    all(false, [[0xc0, 0xdf], [0xe0, 0xef], [0xf0, 0xf7], [0xf8, 0xfb], [0xfc, 0xfd]].map(([from, to]) =>
      Buffer.from(range(from, to).flatMap((byte) => [byte, 0x20])))),
    all(false, cut),
    all(false, [Buffer.concat(cut)]),
    all(false, hex('fe ff fefeffff')),
    all(false, hex('c0af e080af f08080af f8808080af fc80808080af')),
    all(false, hex('c1bf e09fbf f08fbfbf f887bfbfbf fc83bfbfbfbf')),
    all(false, hex('c080 e08080 f0808080 f880808080 fc8080808080')),
    all(false, hex('eda080 edadbf edae80 edafbf edb080 edbe80 edbfbf')),
    all(false, hex('eda080edb080 eda080edbfbf edadbfedb080 edadbfedbfbf edae80edb080 edae80edbfbf edafbfedb080 edafbfedbfbf')),
    all(true, nonCharacters),
    all(true, hex('efbfb9 efbfba efbfbb efbfbc efbfbd efbfbe efbfbf')),
  ];
}
