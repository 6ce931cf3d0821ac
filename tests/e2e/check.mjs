// What stories check again and again: problem documents, verbs of the program, raw answers.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { binary } from './host.mjs';

/**
 * `answer` (of Host.admin) is a whole RFC 9457 problem with this status and code; with
 * `pointer`, one of its errors has it. Returns the problem.
 */
export function assertProblem(answer, status, code, pointer) {
  assert.equal(answer.status, status, answer.text);
  assert.equal(answer.headers.get('content-type'), 'application/problem+json', answer.text);
  const problem = answer.json;
  assert.equal(problem.type, `urn:mimus:error:${code}`, answer.text);
  assert.equal(problem.status, status);
  for (const member of ['title', 'detail', 'instance']) {
    assert.equal(typeof problem[member], 'string', `${member} of ${answer.text}`);
    assert.notEqual(problem[member], '', `${member} of ${answer.text}`);
  }
  for (const error of problem.errors ?? []) {
    assert.match(error.pointer, /^(\/|$)/, answer.text);
    assert.ok(error.detail.length > 0, answer.text);
  }
  if (pointer !== undefined) {
    const pointers = (problem.errors ?? []).map((error) => error.pointer);
    assert.ok(pointers.includes(pointer), `no ${pointer} in ${answer.text}`);
  }
  return problem;
}

/** Runs the program to its end. Returns { code, out, err }; code is a signal's name if one ended it. */
export function mimus(args, { env = {}, cwd, timeout = 120_000 } = {}) {
  const surroundings = { ...process.env, ...env };
  for (const [name, value] of Object.entries(env)) if (value === undefined) delete surroundings[name];
  return new Promise((resolve) => {
    execFile(binary, args, { env: surroundings, cwd, timeout, killSignal: 'SIGKILL' }, (error, out, err) => {
      resolve({ code: error ? error.code ?? error.signal : 0, out, err });
    });
  });
}

/** Calls `probe` until it returns something true, which is returned; fails after `timeout` ms. */
export async function eventually(probe, what, timeout = 60_000) {
  const deadline = Date.now() + timeout;
  for (;;) {
    const found = await probe();
    if (found) return found;
    if (Date.now() > deadline) throw new Error(`not within ${timeout} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Splits `text`, the answers on one connection, each with Content-Length, chunked or none (`heads`: none at all). */
export function answersIn(text, { heads = false } = {}) {
  const answers = [];
  while (text !== '') {
    const end = text.indexOf('\r\n\r\n');
    assert.ok(end >= 0, `an answer's head ends: ${JSON.stringify(text.slice(0, 200))}`);
    const [line, ...fields] = text.slice(0, end).split('\r\n');
    text = text.slice(end + 4);
    const headers = {};
    for (const field of fields) {
      const colon = field.indexOf(':');
      headers[field.slice(0, colon).toLowerCase()] = field.slice(colon + 1).trim();
    }
    const status = Number(line.split(' ')[1]);
    let body = '';
    if (status < 200 || status === 204 || status === 304 || heads) {
      body = '';
    } else if (headers['content-length'] !== undefined) {
      const length = Number(headers['content-length']);
      assert.ok(text.length >= length, `${line}: ${text.length} of ${length} bytes`);
      body = text.slice(0, length);
      text = text.slice(length);
    } else {
      body = text;
      text = '';
    }
    answers.push({ line, status, headers, body });
  }
  return answers;
}
