/**
 * A thread that compacts the old files of a followed log (jobs/compaction.ts).
 */
import {compactElsewhere} from '../jobs/compaction.js'
import {answerQuestions} from '../parallel/answering.js'

answerQuestions(compactElsewhere)
