/**
 * A thread that verifies the values of segments of a snapshot (jobs/check-segments.ts).
 */
import {checkSegment} from '../jobs/check-segments.js'
import {answerQuestions} from '../parallel/answering.js'

answerQuestions(checkSegment)
