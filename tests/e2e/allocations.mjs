// What the preloaded counter of allocations says: preload/allocations.c.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';

/** The counter, or '' under a sanitizer, which counts allocations itself. */
export const preload = process.env.MIMUS_COUNT_ALLOCATIONS;

const pairs = 256;

/** Makes the file that MIMUS_ALLOCATIONS names. */
export function emptyTable(table) { writeFileSync(table, Buffer.alloc(pairs * 16)); }

/** The allocations of the threads whose name fits, so far. */
export function counted(table, name) {
  const bytes = readFileSync(table);
  let sum = 0n;
  let threads = 0;
  for (let at = 0; at < bytes.length; at += 16) {
    const thread = bytes.readBigUInt64LE(at);
    if (thread === 0n) continue;
    let comm = '';
    try { comm = readFileSync(`/proc/${thread}/comm`, 'utf8').trim(); } catch { continue; }
    if (!name.test(comm)) continue;
    sum += bytes.readBigUInt64LE(at + 8);
    ++threads;
  }
  assert.ok(threads > 0, `no thread is called ${name}`);
  return Number(sum);
}

/** Bytes that are allocated and not freed. */
export function heldBytes(table) { return Number(readFileSync(table).readBigInt64LE((pairs - 1) * 16 + 8)); }
