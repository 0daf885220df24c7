import { RemoteError } from '../../errors.ts';
import { errorOf, errorOfTraceback } from './errors.ts';
import type { Reply } from './pickles.ts';
import { Token } from './token.ts';

/** What a reply gives; `proxyOf` makes the proxy of an object that stays in the server. @throws what the method raised. */
export function valueOf(
  [kind, value]: Reply,
  proxyOf: (token: Token, exposed: readonly unknown[] | undefined) => object,
): unknown {
  switch (kind) {
    case '#RETURN':
      return value;
    case '#PROXY': {
      const [exposed, token]: readonly unknown[] = Array.isArray(value) ? value : [];
      if (token instanceof Token) return proxyOf(token, Array.isArray(exposed) ? exposed : undefined);
      break;
    }
    case '#ERROR':
      throw errorOf(value);
    case '#TRACEBACK':
      throw errorOfTraceback(value);
    case '#UNSERIALIZABLE':
      throw new RemoteError('The Python server could not send the result, as it cannot be pickled.', value);
  }
  throw new RemoteError(`The Python server has sent a reply of unknown kind ${String(kind)}.`, value);
}
