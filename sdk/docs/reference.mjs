// node reference.mjs OUTPUT.md: the reference of the SDK, from the comments of its headers.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { header } from './headers.mjs';

const sdk = join(dirname(fileURLToPath(import.meta.url)), '..');

/** What authors include, in the order in which the reference shows it. */
export const headers = [
  'include/mimus/plugin.h', 'include/mimus/plugin.hpp', 'include/mimus/result.h', 'include/mimus/json_text.h',
  'include/mimus/header_text.h', 'testing/include/mimus/testing/fake_host.h',
].map((path) => ({ name: path.replace(/^.*include\//, ''), ...header(readFileSync(join(sdk, path), 'utf8')) }));

/** What is in the structs of plugin.h, by name: C++ says the same by the same name. */
const tables = new Map();
for (const table of headers[0].members.filter((one) => one.kind === 'type' && one.name !== '')) {
  for (const one of table.members) tables.set(one.name, [...tables.get(one.name) ?? [], `${table.name}.${one.name}`]);
}
/** Where several structs have a name: whose it is in the class. */
const behind = { Peer: 'mimus_channel_v1' };
const like = (type, name) => tables.get(name)?.find((one) => one.startsWith(`${behind[type]}.`)) ?? tables.get(name)?.[0];

/** What speaks for itself: constructors, operators and what the compiler makes. */
const obvious = (one, type) => one.name === type.name || /^(~|operator)/.test(one.name) || / = (default|delete);/.test(one.text);

/** The functions that no comment tells of, as "header: Type::name". */
export function undocumented() {
  const found = [];
  const look = (of, members, path, type) => {
    for (const one of members) {
      const told = one.doc !== '' || (of !== headers[0] && tables.has(one.name)) || obvious(one, type) ||
        (one.kind === 'macro' && members.some((other) => other.name === one.name && other.doc !== ''));
      if ((one.kind === 'function' || one.kind === 'macro') && !told) found.push(`${of.name}: ${path}${one.name}`);
      look(of, one.members, `${path}${one.name}::`, one);
    }
  };
  for (const of of headers) look(of, of.members, '', {});
  return [...new Set(found)];
}

/** The functions of plugin.h's tables of which nothing says on what thread they are called. */
export function threadless() {
  const found = [];
  let section = '';
  for (const one of headers[0].members) {
    if (one.kind === 'section') section = one.name;
    for (const member of one.members) {
      if (member.kind === 'function' && !/\[(ctl|w|query|jrn|any)\]/.test(`${section} ${one.doc} ${member.group} ${member.doc}`)) found.push(`${one.name}.${member.name}`);
    }
  }
  return found;
}

const row = (one) => `- \`${one.text.replace(/[;,]$/, '')}\`${one.doc ? `: ${one.doc.replace(/\n/g, ' ')}` : ''}`;

/** The text about one declaration; its members as rows, functions with room of their own. */
function shown(one, depth) {
  const out = [`${'#'.repeat(depth)} ${one.name}\n`];
  if (one.kind !== 'type' || one.members.length === 0) out.push(`\`\`\`c\n${one.text}\n\`\`\`\n`);
  if (one.doc) out.push(`${one.doc}\n`);
  const rows = one.members.filter((member) => member.kind === 'value' || member.kind === 'alias');
  if (rows.length) out.push(`${rows.map(row).join('\n')}\n`);
  for (const member of one.members.filter((m) => m.kind === 'type' || m.kind === 'function')) {
    if (member.kind === 'type') { out.push(shown({ ...member, name: `${one.name}::${member.name}` }, depth)); continue; }
    out.push(`\`\`\`c\n${member.text}\n\`\`\`\n`);
    const same = like(one.name, member.name);
    if (member.doc) out.push(`${member.doc}\n`);
    else if (same && !tables.get(member.name).includes(`${one.name}.${member.name}`)) out.push(`As \`${same}\`.\n`);
  }
  return out.join('\n');
}

/** The whole reference. */
export function reference() {
  const out = ['# Reference of the plugin SDK\n', 'Made from the headers\' comments; see also the tutorial, `manifest.md` and `abi.md`.\n'];
  for (const of of headers) {
    out.push(`## ${of.name}\n`, `\`\`\`text\n${of.about}\n\`\`\`\n`);
    for (const [i, one] of of.members.entries()) {
      if (of.members.findIndex((other) => other.kind === 'macro' && other.name === one.name) < i && one.kind === 'macro') continue;  // its other spelling
      if (one.kind === 'type' && one.members.length === 0) out.push(row(one) + (of.members[i + 1]?.kind === 'type' ? '' : '\n'));
      else if (one.kind === 'section') out.push(`### ${one.name}\n`);
      else if (one.name === '') out.push(`${one.members.map(row).join('\n')}\n`);
      else out.push(shown(one, 4));
    }
  }
  return out.join('\n');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const to = process.argv[2];
  mkdirSync(dirname(to), { recursive: true });
  writeFileSync(to, reference());
}
