/**
 * A thread that digests one side of a comparison (jobs/diff-digesting.ts).
 */
import {digestElsewhere} from '../jobs/diff-digesting.js'
import {answerQuestions} from '../parallel/answering.js'

answerQuestions(digestElsewhere)
