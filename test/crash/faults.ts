/** What may go wrong with one call. */

/** Each of them once, in the order in which they are tried. */
export const faults = [
  'killed before',
  'killed after',
  'cut after',
  'delayed',
  'late',
  'twice',
  '409',
  '429',
  '500',
] as const
/** One of them. */
export type Fault = (typeof faults)[number]

/** Which faults a call can meet. `kind`: of a call to the API server, whether it reads; or it is the call of an action, or one of the API server. */
export function faultsOf(kind: 'read' | 'watch' | 'write' | 'action' | 'admission'): readonly Fault[] {
  return faults.filter((fault) => !(without[kind] as readonly string[]).includes(fault))
}

const without = {
  // Nothing conflicts with a read, and what comes late or twice changes nothing.
  read: ['409', 'late', 'twice'],
  watch: ['409', 'late', 'twice', 'delayed'],
  write: [],
  // A call that the network delivers when its sender has given it up is what the Idempotency-Key is for: nobody could keep it back.
  action: ['late'],
  // The API server waits for 30 s: nothing comes later than it is waited for. What is no 2xx is all one to it.
  admission: ['late', '409', '429'],
} as const

/** The kind of a call by the name of its site. */
export function kindOf(site: string): Parameters<typeof faultsOf>[0] {
  if (site.startsWith('admit ')) return 'admission'
  if (site.startsWith('call ') || /^act (patch|update) /.test(site)) return 'action'
  if (/^(act )?watch /.test(site)) return 'watch'
  return /^(act )?(get|list) /.test(site) ? 'read' : 'write'
}

/** A fault at a call site in a phase of the run. */
export type Triple = { readonly site: string; readonly phase: string; readonly fault: Fault }

/** How a triple is written; it names it. */
export const textOf = ({ site, phase, fault }: Triple): string => `${fault} | ${site} | ${phase}`
