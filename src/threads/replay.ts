/**
 * A thread that replays the keys of one shard of a log (jobs/shard-replay.ts).
 */
import {answerQuestions} from '../parallel/answering.js'

// What others load too must not lie in this file.
const {PARCELS_MAX, shardReplay} = await import('../jobs/shard-replay.js')

answerQuestions(shardReplay(), PARCELS_MAX)
