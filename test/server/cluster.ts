/** A cluster of real servers on free ports: masters that share the slots evenly, and replicas if wanted. */
import {setTimeout as sleep} from 'node:timers/promises'
import {slotOf} from '../../src/bytes/crc16.js'
import {freePort, type Server, startServer} from './server.js'

const SLOT_COUNT = 16_384

export interface Cluster {
  masters: Server[]
  replicas: Server[]
  slots: [first: number, last: number][]
  /** The master of a key. */
  masterFor: (key: string) => Server
  stop: () => Promise<void>
}

export async function startCluster(name: string, masterCount: number, replicaCount = 0): Promise<Cluster> {
  const buses: number[] = []
  const start = async (): Promise<Server> => {
    // The usual bus port is 10,000 above the other, where there may be none.
    const bus = await freePort()
    buses.push(bus)
    const cluster = {'cluster-enabled': 'yes', 'cluster-port': bus, 'cluster-node-timeout': 5000}
    return await startServer(name, {config: {...cluster, 'repl-diskless-sync-delay': 0}})
  }
  const nodes: Server[] = []
  const stop = async (): Promise<void> => {
    await Promise.all(nodes.map(node => node.stop()))
  }
  try {
    while (nodes.length < masterCount + replicaCount) nodes.push(await start())
    const masters = nodes.slice(0, masterCount)
    const replicas = nodes.slice(masterCount)
    const slots = masters.map((_, at): [number, number] => [
      Math.floor((at * SLOT_COUNT) / masterCount),
      Math.floor(((at + 1) * SLOT_COUNT) / masterCount) - 1,
    ])
    for (const [at, {client}] of masters.entries()) {
      await client.call('CLUSTER', 'SET-CONFIG-EPOCH', at + 1)
      await client.call('CLUSTER', 'ADDSLOTSRANGE', ...slots[at]!)
    }
    for (const [at, {port}] of nodes.entries()) {
      if (at > 0) await masters[0]!.client.call('CLUSTER', 'MEET', '127.0.0.1', port, buses[at]!)
    }
    await whole(nodes)
    for (const [at, {client}] of replicas.entries()) {
      await client.call('CLUSTER', 'REPLICATE', await masters[at]!.client.call('CLUSTER', 'MYID'))
    }
    for (const replica of replicas) await linked(replica, masters)
    const masterFor = (key: string): Server => {
      const bytes = Buffer.from(key)
      const slot = slotOf(bytes, 0, bytes.length)
      return masters[slots.findIndex(([, last]) => slot <= last)]!
    }
    return {masters, replicas, slots, masterFor, stop}
  } catch (error) {
    await stop()
    throw error
  }
}

/** Waits until every node knows all others, and that all slots have a master. */
async function whole(nodes: readonly Server[]): Promise<void> {
  for (const {client} of nodes) {
    for (;;) {
      const info = String(await client.call('CLUSTER', 'INFO'))
      if (info.includes('cluster_state:ok') && info.includes(`cluster_known_nodes:${nodes.length}`)) break
      await sleep(20)
    }
  }
}

/** Waits until a replica has its data, and every master knows it for one. */
async function linked(replica: Server, masters: readonly Server[]): Promise<void> {
  const id = String(await replica.client.call('CLUSTER', 'MYID'))
  for (;;) {
    const info = String(await replica.client.call('INFO', 'replication'))
    const told = await Promise.all(
      masters.map(async ({client}) => JSON.stringify(await client.call('CLUSTER', 'SLOTS'), texts)),
    )
    if (info.includes('master_link_status:up') && told.every(text => text.includes(id))) return
    await sleep(20)
  }
}

/** Bytes as text. */
function texts(_: string, value: unknown): unknown {
  const {type, data} = (value ?? {}) as {type?: unknown; data?: number[]}
  return type === 'Buffer' && data !== undefined ? Buffer.from(data).toString() : value
}
