/** The whole contract. */
import type { Case } from './case.ts'
import { cases as admissionFiner } from './cases/admission-finer.ts'
import { cases as apply } from './cases/apply.ts'
import { cases as builtIn } from './cases/built-in.ts'
import { cases as crdKept } from './cases/crd-kept.ts'
import { cases as crdRules } from './cases/crd-rules.ts'
import { cases as crdStatus } from './cases/crd-status.ts'
import { cases as crdValues } from './cases/crd-values.ts'
import { cases as crds } from './cases/crds.ts'
import { cases as create } from './cases/create.ts'
import { cases as createNames } from './cases/create-names.ts'
import { cases as remove } from './cases/delete.ts'
import { cases as discovery } from './cases/discovery.ts'
import { cases as dryRun } from './cases/dry-run.ts'
import { cases as fieldValidation } from './cases/field-validation.ts'
import { cases as finer } from './cases/finer.ts'
import { cases as list } from './cases/list.ts'
import { cases as neighbours } from './cases/neighbours.ts'
import { cases as owners } from './cases/owners.ts'
import { cases as ownership } from './cases/ownership.ts'
import { cases as patch } from './cases/patch.ts'
import { cases as patchStrategic } from './cases/patch-strategic.ts'
import { cases as policies } from './cases/policies.ts'
import { cases as policiesContext } from './cases/policies-context.ts'
import { cases as read } from './cases/read.ts'
import { cases as reviews } from './cases/reviews.ts'
import { cases as rights } from './cases/rights.ts'
import { cases as scaled } from './cases/scale.ts'
import { cases as update } from './cases/update.ts'
import { cases as watch } from './cases/watch.ts'
import { cases as asked } from './cases/webhooks-asked.ts'
import { cases as matching } from './cases/webhooks-matching.ts'
import { cases as mutating } from './cases/webhooks-mutating.ts'
import { cases as registered } from './cases/webhooks-registered.ts'
import { cases as validating } from './cases/webhooks-validating.ts'
import { cases as who } from './cases/who.ts'

/** Every case. */
export const allCases: readonly Case[] = [
  create,
  createNames,
  read,
  update,
  scaled,
  remove,
  owners,
  list,
  watch,
  patch,
  patchStrategic,
  apply,
  ownership,
  dryRun,
  fieldValidation,
  builtIn,
  crds,
  crdValues,
  crdKept,
  crdRules,
  crdStatus,
  validating,
  asked,
  matching,
  registered,
  mutating,
  policies,
  policiesContext,
  who,
  reviews,
  discovery,
  rights,
  neighbours,
  finer,
  admissionFiner,
].flat()
