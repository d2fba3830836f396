/** Features that are not for everybody yet: each has a stage, and a variable that switches it. */

/** How far a feature is: off unless switched on, on unless switched off, on. */
export type FeatureStage = 'Alpha' | 'Beta' | 'GA'

/** The stage of every gated feature, by the variable that switches it. The one line to change when a feature moves on. */
export const featureStages = { VELERO_PLUGINS_ENABLED: 'Alpha' } as const satisfies Readonly<
  Record<string, FeatureStage>
>

/** Whether a feature is on, or why its variable cannot be obeyed. */
export type GateState = { readonly isOn: boolean } | { readonly want: string }

/** Decides by the stage and the variable; one that is not set, or empty, leaves it at its default. */
export function gateState(stage: FeatureStage, variable: string | undefined): GateState {
  const asked = askedOf(variable)
  if (asked === 'unclear') return { want: 'be true or false' }
  switch (stage) {
    case 'Alpha':
      return { isOn: asked === true }
    case 'Beta':
      return { isOn: asked !== false }
    case 'GA':
      return asked === false
        ? { want: 'not be false: the feature is always on now; remove the variable' }
        : { isOn: true }
  }
}

function askedOf(variable = ''): boolean | 'unset' | 'unclear' {
  const text = variable.trim().toLowerCase()
  if (text === '') return 'unset'
  if (['true', '1', 'yes', 'on'].includes(text)) return true
  return ['false', '0', 'no', 'off'].includes(text) ? false : 'unclear'
}
