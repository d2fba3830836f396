/** The command line, the manifests, and what holds between files. */
import { together } from '../support/together.ts'

together('test/*.test.ts', 'test/{cli,deploy}/**/*.test.ts')
