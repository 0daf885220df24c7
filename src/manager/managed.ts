import type { ForeignState } from './foreign.ts';
import type { ObjectType } from './types.ts';

/** A shared object on its server: what proxies stand for. */
export class Managed {
  /** 32 hexadecimal digits that nobody can guess. */
  readonly id: string;
  readonly type: ObjectType;
  readonly target: object;
  /** What else it is called, and how often it was given so: who asks for an object that exists has a name of its own for it. */
  readonly aliases: Map<string, number> = new Map();
  /** How often clients were given it. */
  references = 0;
  /** It was sent to somebody who may not have got to it: it is kept until then. */
  keptUntilMs = 0;
  /** It may lie in another shared object, and so come back when nobody refers to it. */
  stored = false;

  constructor(id: string, type: ObjectType, target: object) {
    this.id = id;
    this.type = type;
    this.target = target;
  }
}

/** A shared object of another server, as a client has sent it: it is handed on as it is. */
export class Foreign {
  readonly state: ForeignState;

  constructor(state: ForeignState) {
    this.state = state;
  }
}
