/** What users write: the kinds, the expressions. */
import { together } from '../support/together.ts'

together('test/{api,cel}/**/*.test.ts')
