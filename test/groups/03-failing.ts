/** The whole service on the sandbox while something of it fails, dies or comes anew. */
import { together } from '../support/together.ts'

together('test/system/{faults,plugin-book,sandbox,service}.test.ts')
