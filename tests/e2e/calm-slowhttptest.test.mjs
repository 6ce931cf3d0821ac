// slowhttptest in its three modes at once: a thousand slow clients each, and a healthy one who does not notice.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { assertGrowth, besideAHealthyClient, metrics, sanitized, startWith } from './calm.mjs';
import { endpoints, modes, slowhttptest } from './slowhttptest.mjs';

test('slowloris, slow bodies and slow readers, a thousand each, do not make a healthy client wait', async (t) => {
  const connections = sanitized ? 300 : 1000;
  const host = await startWith({});
  await host.api('s', endpoints);
  let most = 0;
  const look = setInterval(() => metrics(host).then((now) => { most = Math.max(most, now.connections_active); }, () => {}), 500);
  t.after(() => clearInterval(look));
  const names = Object.keys(modes);
  let reports;
  await assertGrowth(t, host, 60, () => besideAHealthyClient(t, host, '/mock/s/plain', async () => {
    reports = await Promise.all(names.map((name) => slowhttptest(name, `${host.url}/mock/s`, { connections })));
  }));
  t.diagnostic(`${most} connections at once`);
  assert.ok(most > 2 * connections, `only ${most} connections at once`);
  for (const [i, report] of reports.entries()) {
    assert.match(report, /service available:\s+YES/, `${names[i]}: ${report.slice(-1000)}`);
    if (!sanitized) assert.doesNotMatch(report, /service available:\s+NO/, names[i]);
  }
  assert.equal(await host.stop(), 0);
});
