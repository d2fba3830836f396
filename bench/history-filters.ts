/** The filters that are measured: frequent and rare texts, alone and together, and what nobody has. */
import type { Filter } from '../src/dashboard/history/store.ts'
import { people, schedules, type Random } from './history-decisions.ts'

const dayMs = 86_400_000

/** Filters by what they look for; each gives another one of its sort every time. `name` and `uid` are of a record that there is. */
export function filtersOf({
  random,
  end,
  some,
}: {
  readonly random: Random
  readonly end: number
  readonly some: () => { readonly name: string; readonly uid: string }
}): Readonly<Record<string, () => Filter>> {
  const below = (n: number) => Math.floor(random() * n)
  const schedule = () => `shop-${below(schedules)}-nightly`
  const user = () => `person-${below(people)}@example.com`
  const span = () => {
    const from = Math.floor(end - 89 * dayMs + random() * 80 * dayMs)
    return { from, to: from + dayMs }
  }
  return {
    'verdict (a third)': () => ({ verdict: 'Refused' }),
    'verdict (rare)': () => ({ verdict: 'Error' }),
    kind: () => ({ kind: 'Restore' }),
    namespace: () => ({ namespace: 'velero-lab' }),
    schedule: () => ({ schedule: schedule() }),
    reason: () => ({ reason: 'CoolingDown' }),
    action: () => ({ action: `${10 * below(9)}-quiesce-shop` }),
    'user (rare)': () => ({ user: user() }),
    'user (most)': () => ({ user: 'system:serviceaccount:velero:velero' }),
    'a day': span,
    'a day and a verdict': () => ({ ...span(), verdict: 'Refused' }),
    'a day and a rare user': () => ({ ...span(), user: user() }),
    'two that never meet': () => ({ verdict: 'Allowed', reason: 'CoolingDown' }),
    'three frequent, few of all': () => ({
      verdict: 'Error',
      kind: 'Deployment',
      namespace: 'velero-lab',
    }),
    'five at once': () => ({
      verdict: 'Refused',
      kind: 'Backup',
      namespace: 'velero',
      schedule: schedule(),
      user: user(),
    }),
    'what nobody has': () => ({ schedule: 'none' }),
    'text: rare': () => ({ text: `node ${below(4000)}` }),
    'text: in a third': () => ({ text: 'quiesce.shop/freeze' }),
    'text: in all': () => ({ text: 'nightly' }),
    'text: in none': () => ({ text: 'zzzz-nowhere' }),
    'text: common parts, in none': () => ({ text: 'nightlyshop' }),
    'text: two words': () => ({ text: `permission ${below(4000)}` }),
    'text: a whole name': () => ({ text: some().name }),
    'text: an uid': () => ({ text: some().uid }),
    'text and a day': () => ({ text: `node ${below(4000)}`, ...span() }),
    'text and a rare user': () => ({ text: 'quiesce', user: user() }),
    'text in all, two that never meet': () => ({
      text: 'nightly',
      verdict: 'Allowed',
      reason: 'CoolingDown',
    }),
  }
}
