import { randomBytes } from 'node:crypto'
import { checkKnownOptions, invalidOption } from '../base/index.ts'
import {
  INSTANCE_FIELDS,
  type Instance,
  type InstanceChange,
  type InstanceDescription,
  invalidField,
  pick,
} from './core/index.ts'

/** 64 random bits: no two registrations of a service meet by chance. */
const ID_BYTES = 8
const DESCRIPTION_FIELDS = ['service', 'host', 'port', 'version', 'group', 'weight', 'zone', 'metadata']

/** Fills and checks what a provider says of itself. Throws `OPTION_INVALID`, `OPTION_UNKNOWN`. */
export function newInstance(description: InstanceDescription): Instance {
  checkKnownOptions('register', description, DESCRIPTION_FIELDS)
  return checked('register', {
    id: randomBytes(ID_BYTES).toString('hex'),
    service: description.service,
    host: description.host,
    port: description.port,
    version: description.version ?? '1.0.0',
    group: description.group ?? 'default',
    weight: description.weight ?? 100,
    zone: description.zone ?? '',
    state: 'up',
    registeredMs: Date.now(),
    metadata: description.metadata ?? {},
  })
}

export function changedInstance(instance: Instance, change: InstanceChange): Instance {
  checkKnownOptions('update', change, ['weight', 'state'])
  const { weight = instance.weight, state = instance.state } = change
  return checked('update', { ...instance, weight, state })
}

/** Refuses a name at the door that no registration could have. */
export function checkServiceName(where: string, service: unknown): string {
  if (!INSTANCE_FIELDS.service.check(service))
    throw invalidOption(where, 'service', service, INSTANCE_FIELDS.service.allowed)
  return service as string
}

function checked(where: string, instance: Instance): Instance {
  const wrong = invalidField({ ...instance })
  if (wrong !== undefined) throw invalidOption(where, wrong, instance[wrong], INSTANCE_FIELDS[wrong].allowed)
  return pick(instance)
}
