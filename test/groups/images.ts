/** Images and the plugins in them. */
import { together } from '../support/together.ts'

together('test/{images,plugins}/**/*.test.ts')
