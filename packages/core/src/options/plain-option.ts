import { type Fallback, customOption, type OptionKind, REFUSED } from './option-kind.ts';

/** One of some texts. */
export function oneOfOption<const T extends string>(
  choices: readonly T[],
  fallback: Fallback<NoInfer<T>> = {},
): OptionKind<T> {
  const allowed = choices.map((choice) => `'${choice}'`).join(' or ');
  return customOption<T>(
    allowed,
    (given) => ((choices as readonly unknown[]).includes(given) ? (given as T) : REFUSED),
    fallback,
  );
}

/** A text of 1 to `lengthMax` characters. */
export function textOption({
  lengthMax = 4096,
  ...fallback
}: { readonly lengthMax?: number } & Fallback<string> = {}): OptionKind<string> {
  const allowed = `a text of 1 to ${lengthMax} characters`;
  return customOption(
    allowed,
    (given) => (typeof given === 'string' && given.length > 0 && given.length <= lengthMax ? given : REFUSED),
    fallback,
  );
}

/** An object with these methods, kept as it is: a port such as a logger or a clock. */
export function portOption<T extends object>(
  methods: readonly (keyof T & string)[],
  fallback: Fallback<T> = {},
): OptionKind<T> {
  const allowed = `an object with ${methods.length === 1 ? 'the method' : 'the methods'} ${methods.join(', ')}`;
  return customOption<T>(
    allowed,
    (given) =>
      typeof given === 'object' &&
      given !== null &&
      methods.every((method) => typeof (given as T)[method] === 'function')
        ? (given as T)
        : REFUSED,
    fallback,
  );
}
