// Families 12 and 13 of the Autobahn test suite's fuzzing client: permessage-deflate, with its
// sizes, fragments and offers; of its five data sets there are some of the same kinds.
import { whole } from './websocket_cases.mjs';

const sizes = [
  ...[16, 64, 256, 1024, 4096, 8192, 16384, 32768, 65536, 131072].map((size) => [size, 0]),
  ...[8192, 16384, 32768, 65536, 131072].map((size) => [size, 256]),
  [131072, 1024], [131072, 4096], [131072, 32768],
];

/** Numbers from 0 to 1, the same in every run. */
function dice(state) {
  return () => (state = (state * 1664525 + 1013904223) % 2 ** 32) / 2 ** 32;
}
function grown(make) {
  const parts = [];
  for (let size = 0, i = 0; size < 200_000; ++i) {
    parts.push(make(i));
    size += parts.at(-1).length;
  }
  return Buffer.from(parts.join(''));
}

function dataSets() {
  const roll = dice(1);
  const words = ['Habe', 'nun', 'ach', 'Philosophie', 'Juristerei', 'und', 'Medizin', 'durchaus', 'studiert', 'mit', 'heißem', 'Bemühn'];
  const word = () => words[Math.floor(roll() * words.length)];
  const noise = Buffer.from(Array.from({ length: 200_000 }, () => Math.floor(roll() * 256)));
  return [
    { name: 'a German text', binary: true, data: grown((i) => word() + (i % 9 === 8 ? '.\n' : ' ')) },
    { name: 'a picture', binary: true, data: Buffer.from(Array.from({ length: 262_144 }, (_, i) => 128 + 100 * Math.sin(i / 3000) + roll() * 8)) },
    { name: 'what is compressed already', binary: true, data: noise },
    { name: 'JSON', binary: false, data: grown((i) => JSON.stringify({ id: i, name: word(), price: Math.floor(roll() * 1e6) / 100, tags: [word(), word()] }) + ',\n') },
    { name: 'HTML', binary: false, data: grown((i) => `<tr class="row${i % 2}"><td>${i}</td><td><a href="/items/${Math.floor(roll() * 1e5)}">item</a></td></tr>\n`) },
  ];
}

/** Sends messages one after the other, each once the one before has come back as it was. */
const exchange = ({ binary, data }, size, fragment, rounds, bits) => async (client) => {
  if (!client.extensions.startsWith('permessage-deflate')) throw new Error('UNIMPLEMENTED');
  for (const parameter of ['server_no_context_takeover', 'client_no_context_takeover']) {
    if (!client.extensions.includes(parameter)) throw new Error(`no ${parameter} in ${client.extensions}`);
  }
  if (bits && !(client.serverBits <= bits)) throw new Error(`${bits} bits were asked for: ${client.extensions}`);
  for (let i = 0; i < rounds; ++i) {
    const from = (i * size) % (data.length - size);
    const payload = data.subarray(from, from + size);
    await client.message(binary, payload, fragment);
    if (!await client.until(() => client.received.length > 0)) return;
    const [kind, got] = client.received.shift();
    if (kind !== (binary ? 'binary' : 'text') || !got.equals(payload)) throw new Error(`message ${i} came back as another`);
  }
  // Below 1 KiB, and where it would not pay, the server compresses nothing.
  if (size >= 1024 && client.compressedFrames === 0 && !binary) throw new Error('nothing came back compressed');
};

export function compression({ rounds }) {
  const sets = dataSets();
  const family = (group, set, offers, bits) => sizes.map(([size, fragment], i) => ({
    id: `${group}.${i + 1}`,
    headers: [`Sec-WebSocket-Extensions: ${offers}`],
    run: exchange(set, size, fragment, size <= 4096 ? 4 * rounds : rounds, bits),
    expected: { OK: [] },
    close: whole,
  }));
  const offer = (...parameters) => ['permessage-deflate', 'client_no_context_takeover', 'client_max_window_bits', ...parameters].join('; ');
  const none = 'server_no_context_takeover';
  const window = (bits) => `server_max_window_bits=${bits}`;
  const offers = [
    [offer()], [offer(none)], [offer(window(8)), 8], [offer(window(15)), 15], [offer(none, window(8)), 8], [offer(none, window(15)), 15],
    [[offer(none, window(8)), offer(none), offer()].join(', '), 8],
  ];
  return {
    12: sets.flatMap((set, i) => family(`12.${i + 1}`, set, offer())),
    13: offers.flatMap(([value, bits], i) => family(`13.${i + 1}`, sets[3], value, bits)),
  };
}
