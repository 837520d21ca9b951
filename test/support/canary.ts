/** The forms in which a secret may lie somewhere: none of them is to be found. */
export function formsOf(secret: string): string[] {
  return [
    secret,
    encodeURIComponent(secret),
    Buffer.from(secret).toString('hex'),
    // Within whatever is encoded together with it; the characters at the edges hold bits of their neighbours.
    ...['', 'x', 'xx'].map(before =>
      Buffer.from(before + secret)
        .toString('base64')
        .slice(4, -4),
    ),
  ]
}
