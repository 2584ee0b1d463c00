/**
 * A thread that makes the rows of a table (jobs/query-rows.ts).
 */
import {makeRows} from '../jobs/query-rows.js'
import {pulledFrom} from '../parallel/pulled.js'

pulledFrom(makeRows)
