/** What the command says about itself: golden, so that a change is a decision. */
import {expect, it} from 'vitest'
import {rdbtool} from '../start/run.js'

const SYNC_HELP = `Fetch a snapshot from a running server, as its replica.

USAGE
  $ rdbtool sync SERVER --out FILE | --aof FOLDER | --into SERVER
    | --follow FOLDER [--for SECONDS] [--log] [--trace] [--json] [connection
    flags]

ARGUMENTS
  [SERVER]  HOST:PORT, redis://[USER[:PASSWORD]@]HOST:PORT, rediss://... (TLS)
            or unix:///PATH.

FLAGS
  --for=SECONDS     After the snapshot, stay for so long, and acknowledge what
                    arrives; with --follow, follow for so long.
  --until-offset=N  The same until the stream has come to this offset.

OUTPUT FLAGS
  -o, --out=FILE    File for the snapshot; with --cluster, folder.
  -q, --quiet       No progress on standard error.
      --aof=FOLDER  Folder for the snapshot as an append-only log, which a
                    server starts from.
      --force       Replace them if they are there.
      --json        Print JSON; its names are a contract.
      --log         Show what happens in lines as a replica logs them.
      --trace       Show every message on the wire, both ways, with offsets.

INTO FLAGS
  --allow-loss            Load what is left, where that server has no place for
                          something.
  --into=SERVER           Server, or any of a cluster, to load the snapshot
                          into; its password comes from RDBTOOL_INTO_PASSWORD or
                          the URL.
  --on-conflict=<option>  What becomes of keys that are there already: the load
                          ends (default), they stay, or they give way.
                          <options: error|skip|replace>

CONNECTION FLAGS
  --ca=FILE             Certificates to trust (PEM). Implies --tls.
  --cert=FILE           Our certificate (PEM), for servers that ask for one.
                        Implies --tls.
  --ip-address=IP       Address that the master shows of us. Default: where we
                        come from.
  --key=FILE            The key of --cert (PEM).
  --listening-port=N    Port that the master shows of us in INFO. Default: none
                        is told.
  --psync-command=NAME  What the master calls PSYNC (or SYNC), where it is
                        renamed.
  --sni=NAME            Name to ask for and to verify; the host unless told.
                        Implies --tls.
  --tls                 Speak TLS, as rediss:// does.
  --tls-insecure        Take any certificate. Implies --tls.
  --user=NAME           ACL user; the password comes from RDBTOOL_PASSWORD or
                        the URL.

SERVER FLAGS
  --cluster=SERVER                          Fetch every shard of the cluster
                                            that this server belongs to.
  --from-replicas                           With --cluster: from a replica of
                                            each shard where there is one, else
                                            from its master.
  --sentinel=NAME@HOST:PORT[,HOST:PORT...]  Fetch from the master that these
                                            Sentinels have under a name.

TIMEOUT FLAGS
  --connect-timeout=SECONDS  For a connection to be accepted. Default: 10.
  --retries=N                How often a transfer that broke is asked for again;
                             each costs the master a fork. Default: 2.
  --retry-delay=SECONDS      Before the first of them, doubled with each.
                             Default: 1.
  --timeout=SECONDS          The longest silence of the master, at any stage.
                             Default: 60.
  --wait=SECONDS             In all, for a master that is loading or has lost
                             its own master. Default: 60.

FOLLOW FLAGS
  --follow=FOLDER   Folder for the snapshot and all that the master writes
                    behind it, as an append-only log; or one to go on with.
  --fsync=<option>  When what was written is brought to the disk: before it is
                    acknowledged, every second (default), or never.
                    <options: always|everysec|no>
  --keep=TIME       How far back one can come; older commands are compacted.
                    Default: to the beginning.
  --rotate=SIZE     Begin another file of commands when one is so large.
                    Default: 256mb.

DESCRIPTION
  Fetch a snapshot from a running server, as its replica.

  Attaches to a master (or a replica) as a replica does, takes the snapshot of a
  full resync at the speed of the wire, verifies it, reads it as a server does
  on loading it, and only then gives it its name: what stands there is whole.
  With --for or --until-offset the link stays: the command stream is counted and
  acknowledged every second.

  With --follow the snapshot and everything that the master writes behind it go
  to a folder that a server (7.0 and later) starts from, with the time of every
  second: a backup that is as new as the server, from which one comes back to
  any moment (aof-rewrite --until). It goes on where it was after any
  interruption, and until it is ended (Ctrl-C).

  With --cluster every shard is fetched, one file each, into a folder with a
  manifest; all 16,384 slots must be covered once. With --sentinel the master is
  asked for, and whether it is one.

  The user needs +psync +replconf +ping (+cluster|slots, +role). The password
  comes from RDBTOOL_PASSWORD or the URL, and is never shown. A master that is
  loading or has lost its own master is waited for; a transfer that broke is
  asked for again.

EXAMPLES
  $ rdbtool sync 127.0.0.1:6380 --out snap.rdb

  $ rdbtool sync 127.0.0.1:6380 --out snap.rdb --log --trace --for 30

  $ RDBTOOL_PASSWORD=... rdbtool sync db1 --user backup --out snap.rdb --json

  $ rdbtool sync rediss://db1:6380 --ca ca.pem --out snap.rdb

  $ rdbtool sync unix:///run/redis/redis.sock --out snap.rdb

  $ rdbtool sync 127.0.0.1:6380 --follow /backup/db1 --keep 7d

  $ rdbtool sync 127.0.0.1:6380 --aof appendonlydir

  $ rdbtool sync 127.0.0.1:6380 --into 127.0.0.1:6390 --on-conflict replace

  $ rdbtool sync --cluster db1:7000 --out cluster-2026-11-24

  $ rdbtool sync --sentinel mymaster@sentinel1,sentinel2 --out snap.rdb

`

it.each([[['sync', '--help']], [['help', 'sync']]])('%j', async args => {
  expect(await rdbtool(args)).toMatchObject({code: 0, stdout: SYNC_HELP, stderr: ''})
})

it('fits 80 columns', () => {
  expect(SYNC_HELP.split('\n').filter(line => line.length > 80)).toEqual([])
})
