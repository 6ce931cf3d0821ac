// The program says under which licences it and what is in it may be passed on.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { binary } from './host.mjs';

test('licences, as a verb and as a flag, name our own first', () => {
  const text = execFileSync(binary, ['licences'], { encoding: 'utf8' });
  assert.match(text, /Mimus/);
  assert.match(text, /Apache License/);
  assert.equal(execFileSync(binary, ['--licences'], { encoding: 'utf8' }), text);
});
