// WebSockets and Socket.IO beside the npm packages ws and socket.io: what an echoed message, a
// broadcast, an idle connection and a timer cost.
import { Clients, startChannels, startPeer, startSendLoop } from '../channels.mjs';
import { median } from '../compare.mjs';
import { coresMicros, cpuMicros, loadCore, memoryKiB, serverCore } from '../processes.mjs';
import { bar, table } from '../report.mjs';

export const about = 'echo, broadcast, idle memory and timers of channels, beside ws and socket.io';

const listeners = 5000;
const timers = 10_000;
const bothCores = `${serverCore},${loadCore}`;
const text = JSON.stringify({ event: 'message', data: { id: 17, text: 'a message of a usual size' } });
const settled = (ms = 1000) => new Promise((resolve) => setTimeout(resolve, ms));

/** What a server spent while its clients did something: {micros, served, busy, others}, the last three shares of a core. */
async function measured(clients, work) {
  const load = [clients.pid];
  const before = { server: cpuMicros(clients.server.pids), load: cpuMicros(load), both: coresMicros() };
  const result = await work();
  const wall = result.seconds * 1e6;
  const served = cpuMicros(clients.server.pids) - before.server;
  const busy = cpuMicros(load) - before.load;
  return { result, micros: served, served: served / wall, busy: busy / wall,
    others: Math.max(0, (coresMicros() - before.both - served - busy) / wall / 2) };
}

const column = (runs, key, digits) => median(runs.map((run) => run[key])).toFixed(digits);

async function echo(bench) {
  const servers = [await startPeer('ws'), await startChannels(bench.scratch, [{ trigger: 'message', echo: true }])];
  for (const [connections, flight] of [[100, 1], [100, 4], [100, 16]]) {
    const sides = await Promise.all(servers.map((server) => Clients.open(server, connections)));
    const runs = sides.map(() => []);
    const once = async (side, seconds) => {
      const { result, micros, ...shares } = await measured(side, () => side.echo(seconds, flight, text));
      return { cost: micros / result.messages, rate: result.messages / result.seconds, ...shares };
    };
    for (const side of sides) await once(side, 1);
    for (let round = 0; round < bench.pairs; ++round) {
      for (const i of round % 2 ? [1, 0] : [0, 1]) runs[i].push(await once(sides[i], bench.seconds));
    }
    const ratio = median(runs[1].map((run, i) => run.cost / runs[0][i].cost));
    table(`Echo, ${connections} connections, ${flight} under way on each (${bench.pairs} rounds of ${bench.seconds} s)`,
      ['', 'CPU us/message', 'messages/s', 'server busy', 'load busy', 'others busy'], servers.map((server, i) => [server.name,
        column(runs[i], 'cost', 2), column(runs[i], 'rate', 0), column(runs[i], 'served', 2), column(runs[i], 'busy', 2), column(runs[i], 'others', 2)]));
    bar(`echo, ${flight} under way: CPU per message / ws`, ratio, 0.333);
    for (const side of sides) await side.close();
  }
  for (const server of servers) await server.stop();
}

/**
 * Idle memory of many connections, and how long until all have a broadcast. The servers have both
 * cores, as the clients sleep meanwhile.
 */
async function crowd(bench, peer, limit) {
  const namespace = peer === 'socket.io';
  const servers = [...(namespace ? [] : [await startSendLoop(bothCores)]), await startPeer(peer, bothCores),
    await startChannels(bench.scratch, [], { cores: bothCores, workers: 2 })];
  const sides = [];
  const memory = [];
  for (const server of servers) {
    await (await Clients.open(server, 100, { namespace })).close();  // what is made once
    await settled();
    const before = memoryKiB(server.pids, 'Pss_Anon');
    sides.push(await Clients.open(server, listeners, { namespace }));
    await settled();
    memory.push((memoryKiB(server.pids, 'Pss_Anon') - before) / listeners);
  }
  const runs = sides.map(() => []);
  const rounds = bench.pairs * 4;
  const payload = { id: 17, text: 'an event of a usual size' };
  for (const side of sides) await side.broadcast('tick', payload);
  for (let round = 0; round < rounds; ++round) {
    const order = sides.map((_, i) => (round % 2 ? sides.length - 1 - i : i));
    for (const i of order) {
      await settled(100);
      const { result, micros } = await measured(sides[i], () => sides[i].broadcast('tick', payload));
      runs[i].push({ last: result.seconds * 1e3, first: result.first * 1e3, cost: micros / 1e3 });
    }
  }
  const [theirs, ours] = runs.slice(-2);
  const kind = namespace ? 'Socket.IO' : 'raw';
  table(`A broadcast to ${listeners} ${kind} connections (${rounds} rounds), and what one takes when idle`,
    ['', 'first has it ms', 'last has it ms', 'CPU ms', 'KiB'], servers.map((server, i) => [server.name,
      column(runs[i], 'first', 1), column(runs[i], 'last', 1), column(runs[i], 'cost', 1), memory[i].toFixed(2)]));
  bar(`${kind} broadcast to ${listeners}: until the last has it / ${peer}`, median(ours.map((run, i) => run.last / theirs[i].last)), 0.333);
  bar(`idle ${kind} connection: memory`, memory.at(-1), limit, { unit: ' KiB', digits: 2 });
  for (const side of sides) await side.close();
  for (const server of servers) await server.stop();
}

async function intervals(bench) {
  const server = await startChannels(bench.scratch, [{ name: 'tick', payload: { n: '{{count}}' }, trigger: 'interval', interval: 1000 }]);
  const clients = await Clients.open(server, timers);
  const { result, served, busy, others } = await measured(clients, () => clients.count(10));
  const rate = result.messages / result.seconds;
  if (rate < timers * 0.99) throw new Error(`${rate.toFixed(0)} events came in a second, not ${timers}`);
  table(`${timers} timers of 1 s, each on a connection of its own`, ['', 'events/s', 'server busy', 'load busy', 'others busy'],
    [[server.name, rate.toFixed(0), served.toFixed(3), busy.toFixed(3), others.toFixed(3)]]);
  bar(`${timers} timers of 1 s: share of a core`, served, 0.15);
  await clients.close();
  await server.stop();
}

export async function run(bench) {
  await echo(bench);
  await crowd(bench, 'ws', 4);
  await intervals(bench);
  await crowd(bench, 'socket.io', 6);
}
