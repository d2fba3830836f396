/** What the service is made of, and how it is put together. */
import { together } from '../support/together.ts'

together(
  'test/{actions,admission,control,observe,wiring}/**/*.test.ts',
  'test/crash/{admission,book,carried,coverage,judge,options,patience,sites}.test.ts',
  'test/crash/planted/*.test.ts',
  'test/soak/*.test.ts',
)
