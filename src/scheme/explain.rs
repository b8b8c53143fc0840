//! What is signed of a request, laid open: for whoever has the secret and looks for a client's mistake.
//!
//! Nothing of it is for a client, and nothing is decided here: whether a request is accepted says [`Dialect::verify`].

use super::{
    Algorithm, Dialect, Encoding, Failure, PreparedKey, View,
    claimed::read_key_id,
    evaluate::Evaluation,
    key::KeyChain,
    mac::{self, Mac},
    template::{Chain, Part, Scratch},
};

/// What a request would have to be signed as, and what it came with.
pub struct Explanation<'s> {
    /// What computes the signature.
    pub algorithm: Algorithm,
    /// Who it says to be from, where the scheme has ids and the request says one.
    pub key_id: Option<Vec<u8>>,
    /// The exact bytes that are signed.
    pub message: Vec<u8>,
    /// What it is made of, in order: each source that is named in its template, and what this request has there. Literal text
    /// is left out, and so is all of RFC 9421, whose messages name their parts themselves.
    pub pieces: Vec<(String, Vec<u8>)>,
    /// Each signature as it came, before anything was decoded.
    pub came: Vec<Vec<u8>>,
    pub(super) encoding: Encoding,
    pub(super) chain: Option<(&'s KeyChain, Vec<Scratch>)>,
}

impl Explanation<'_> {
    /// The bytes of the HMAC of `message` by `key`; `None` where something else computes signatures.
    pub fn mac(&self, key: &PreparedKey, message: &[u8]) -> Option<Vec<u8>> {
        let mut mac = key.mac(self.algorithm)?;
        if let Some((chain, texts)) = &self.chain {
            mac = chain.derived(mac, self.algorithm, texts)?;
        }
        mac.update(message);
        Some(mac.finish().as_bytes().to_vec())
    }

    /// What the other HMACs give of the message by `key` as it is; none where keys are derived for each request.
    pub fn other_macs(&self, key: &[u8]) -> Vec<(Algorithm, Vec<u8>)> {
        let others = [Algorithm::HmacSha1, Algorithm::HmacSha256, Algorithm::HmacSha384, Algorithm::HmacSha512];
        let others = others.into_iter().filter(|algorithm| self.chain.is_none() && *algorithm != self.algorithm);
        let mac = |algorithm: Algorithm| {
            let mut mac = Mac::new(algorithm, key)?;
            mac.update(&self.message);
            Some((algorithm, mac.finish().as_bytes().to_vec()))
        };
        others.filter_map(mac).collect()
    }

    /// The digest under the HMAC, of `parts` one behind the other; `None` where something else computes signatures.
    pub fn digest(&self, parts: &[&[u8]]) -> Option<Vec<u8>> {
        mac::digest(self.algorithm, parts)
    }

    /// A signature's bytes as the scheme writes them.
    pub fn written(&self, signature: &[u8]) -> String {
        self.encoding.write(signature)
    }
}

impl Dialect {
    /// The same of a signature that cannot be decoded, or of a time that is over.
    pub(super) fn explain(&self, view: &View<'_>) -> Result<Explanation<'_>, Failure> {
        let reading = Evaluation::of(self, *view, None).refusing_repeated();
        let came = self.as_they_came(&reading)?;
        let algorithm = self.algorithms.claimed(&reading)?;
        let key_id = self.key_id.as_ref().map(|template| read_key_id(&reading, template)).transpose()?;
        let evaluation = Evaluation::of(self, *view, key_id.as_deref());
        let (mut message, mut pieces) = (Vec::new(), Vec::new());
        for part in self.message.parts() {
            let start = message.len();
            match part {
                Part::Literal(text) => message.extend_from_slice(text.as_bytes()),
                Part::Chain(chain) => {
                    evaluation.chain(chain, &mut |piece| message.extend_from_slice(piece))?;
                    pieces.push((told(chain), message.get(start..).unwrap_or_default().to_vec()));
                }
            }
        }
        let chain = self.key_chain.as_ref().map(|chain| Ok((chain, chain.texts(&evaluation)?))).transpose()?;
        let key_id = key_id.map(|id| id.to_vec());
        Ok(Explanation { algorithm, key_id, message, pieces, came, encoding: self.encoding, chain })
    }
}

/// As in a template; what is done to the value is cut short.
fn told(chain: &Chain) -> String {
    let filters = if chain.filters.is_empty() { "" } else { "|…" };
    format!("{{{}{filters}}}", chain.source)
}
