/** A name from anywhere: text only, kept apart from the direction of what stands around it. */
export function PlayerName({ name }: { readonly name: string }) {
  return (
    <bdi class="name" title={name}>
      {visible(name)}
    </bdi>
  );
}

/** A name that would show as nothing is shown in its code points; control characters stand as their pictures. */
function visible(name: string): string {
  if (/^[\p{Z}\p{C}]+$/u.test(name)) return Array.from(name, codePoint).join(' ');
  return name.replace(/\p{Cc}/gu, (part) =>
    part < ' ' ? String.fromCodePoint(0x2400 + part.charCodeAt(0)) : '\ufffd',
  );
}

function codePoint(part: string): string {
  return `U+${(part.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;
}
