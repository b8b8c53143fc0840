//! What makes an RSA public key weak, as far as its two numbers show it.

/// Primes by which ROCA's moduli give themselves away (CVE-2017-15361): for each, such a modulus leaves a remainder that is
/// a power of 65537.
const FINGERPRINT_PRIMES: [u32; 17] = [11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157];

/// Bits of a number that is written big-endian.
pub(super) fn bits(number: &[u8]) -> usize {
    let digits = number.iter().skip_while(|byte| **byte == 0);
    let (bytes, first) = (digits.clone().count(), digits.clone().next().copied().unwrap_or(0));
    (bytes * 8).saturating_sub(first.leading_zeros() as usize)
}

/// Whether the exponent is odd and at least 3: with 1 every padded message is its own signature.
pub(super) fn is_fair_exponent(exponent: &[u8]) -> bool {
    bits(exponent) >= 2 && exponent.last().is_some_and(|last| last % 2 == 1)
}

/// Whether the modulus looks like one of the chips whose keys can be factored. One in 2^27 honest ones does, too.
pub(super) fn is_roca(modulus: &[u8]) -> bool {
    FINGERPRINT_PRIMES.iter().all(|prime| is_power(65537 % prime, remainder(modulus, *prime), *prime))
}

fn remainder(number: &[u8], by: u32) -> u32 {
    number.iter().fold(0, |rest, byte| (rest * 256 + u32::from(*byte)) % by)
}

/// Whether `value` is a power of `base` in the field of `prime`.
fn is_power(base: u32, value: u32, prime: u32) -> bool {
    std::iter::successors(Some(1), |power| Some(power * base % prime)).take(prime as usize).any(|power| power == value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_counted_from_the_first_that_is_set() {
        for (number, expected) in [(&[][..], 0), (&[0], 0), (&[1], 1), (&[0, 3], 2), (&[1, 0], 9), (&[0x80; 256], 2048)]
        {
            assert_eq!(bits(number), expected);
        }
    }

    #[test]
    fn exponents_that_are_one_or_even_are_not_fair() {
        for (exponent, fair) in
            [(&[1_u8][..], false), (&[0, 1], false), (&[2], false), (&[3], true), (&[1, 0, 1], true)]
        {
            assert_eq!(is_fair_exponent(exponent), fair, "{exponent:?}");
        }
    }
}
