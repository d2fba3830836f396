/** The pages for what cannot be shown: who must sign in, who may not look, what is not there, what is broken. */
import { grantOf, views, type View } from '../rights.ts'
import { html } from './html.ts'
import type { Page } from './layout.ts'
import { command, empty } from './parts.ts'

/** How a token for this dashboard is made. */
export const tokenCommand = (audience: string): string =>
  `kubectl create token NAME -n NAMESPACE --audience ${audience} --duration 1h`

/** The form that takes a token. `problem`: why the last one was not taken. */
export const signInPage = ({
  next,
  audience,
  problem,
}: {
  readonly next: string
  readonly audience: string
  readonly problem?: string | undefined
}): Page => ({
  title: 'Sign in',
  content: html`<div class="narrow">
    <h1>Sign in</h1>
    ${problem === undefined ? undefined : html`<p class="problem" role="alert">${problem}</p>`}
    <form method="post" action="/login">
      <input type="hidden" name="next" value=${next} />
      <label for="token">Kubernetes token</label>
      <textarea id="token" name="token" rows="5" required autocomplete="off" spellcheck=${false}></textarea>
      <p class="hint">
        It is checked by the API server and not kept: you stay signed in for as long as it is good, eight
        hours at most.
      </p>
      <button>Sign in</button>
    </form>
    <h2>How to get one</h2>
    <p>For a service account that may look, for example:</p>
    ${command(tokenCommand(audience))}
    <p>What it shows is what that account may list in the cluster.</p>
  </div>`,
})

const kindOf = (view: View): string => `${views[view].resource}.${views[view].group}`

/** Nobody may see this view with these rights. */
export const forbiddenPage = (
  view: View,
  { name, namespaces }: { readonly name: string; readonly namespaces: readonly string[] },
): Page => ({
  title: 'You may not see this',
  content: html`<div class="narrow">
    <h1>You may not see this</h1>
    <p>
      ${name} must be allowed to <strong>list ${kindOf(view)}</strong> in${' '}
      ${namespaces.length === 1 ? 'namespace' : 'one of the namespaces'} ${namespaces.join(', ')}. Somebody
      who may grant it runs:
    </p>
    ${command(...grantOf(view, name, namespaces[0] ?? 'velero'))}
  </div>`,
})

/** What cannot be shown, in words. */
export const problemPage = (title: string, sentence: string): Page => ({
  title,
  content: html`<div class="narrow">
    <h1>${title}</h1>
    <p>${sentence}</p>
    <p><a href="/">Overview</a></p>
  </div>`,
})

/** In place of a part that the visitor may not see. */
export const hiddenPart = (
  view: View,
  { name, namespace }: { readonly name: string; readonly namespace: string },
) =>
  empty(
    `${name} may not list ${kindOf(view)}.`,
    'Somebody who may grant it runs:',
    command(...grantOf(view, name, namespace)),
  )
