/** The rules of src/core. */
import { together } from '../support/together.ts'

together('test/core/**/*.test.ts')
