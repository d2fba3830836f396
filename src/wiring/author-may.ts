/** Whether the author of an Action holds a right. */
import type { Author } from '../core/plan.ts'
import type { AccessReview, Deed } from '../kube/access-review.ts'

/** Asks the API server about an author. */
export const authorMay = (review: AccessReview, author: Author, deed: Deed): Promise<boolean> =>
  review.may({ user: author.username, groups: author.groups }, deed)
