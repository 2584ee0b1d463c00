/**
 * A thread that writes down segments of a snapshot (jobs/dump-segments.ts).
 */
import {dumpSegment} from '../jobs/dump-segments.js'
import {answerQuestions} from '../parallel/answering.js'

answerQuestions(dumpSegment)
