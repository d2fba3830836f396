/** What a handler that failed leaves behind: its cause, and the audit annotations of the decision that this is too. */
export class Undecided extends Error {
  readonly audit: Readonly<Record<string, string>>

  constructor(audit: Readonly<Record<string, string>>, cause: unknown) {
    super('a webhook handler failed: see the cause', { cause })
    this.audit = audit
  }
}
