/** What users write, and the rules of src/core. */
import { together } from '../support/together.ts'

together('test/{api,cel,core}/**/*.test.ts')
