/** The contract that the sandbox is held to. */
import { together } from '../support/together.ts'

together('test/contract/**/*.test.ts')
