//! A short word for what somebody has seen, to tell whether it has changed.

/// FNV-1a of 64 bits, as 16 hexadecimal digits: the same in every replica and version of the program, which
/// the standard library's hash is not. Nobody is kept out by it.
#[must_use]
pub fn fingerprint<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> String {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for piece in pieces {
        // The end counts too: `ab` and `c` are not `a` and `bc`.
        for byte in piece.iter().chain(&[0]) {
            hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    format!("{hash:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_changes_with_every_piece_and_its_end() {
        let of = |pieces: &[&str]| fingerprint(pieces.iter().map(|piece| piece.as_bytes()));
        assert_eq!(of(&["ab", "c"]), of(&["ab", "c"]));
        for other in [["a", "bc"], ["ab", "d"], ["c", "ab"]] {
            assert_ne!(of(&["ab", "c"]), of(&other), "{other:?}");
        }
        assert_eq!(of(&[]).len(), 16);
    }
}
