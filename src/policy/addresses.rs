//! Who may come at all: networks that are let in, and networks that are not.

use super::{Networks, Whence};

/// A list for the gateway, a listener or a route.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Addresses {
    /// Where there is one, only these are let in.
    pub allow: Option<Networks>,
    /// These never are, whatever else is said of them.
    pub deny: Networks,
}

/// An address that is not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressDenied {
    /// It is in a network that is denied.
    #[error("its address is denied")]
    Listed,
    /// It is in no network that is allowed.
    #[error("its address is not among those allowed")]
    Unlisted,
    /// It cannot be told, so that it might be any.
    #[error("a trusted proxy names an address that cannot be read, so it might be any")]
    Unknown,
}

impl Addresses {
    /// Lets `client` in, or not.
    ///
    /// # Errors
    /// [`AddressDenied`]
    pub fn check(&self, client: Whence) -> Result<(), AddressDenied> {
        let client = match client {
            Whence::At(client) => client,
            Whence::Behind(_) if self.allow.is_none() && self.deny.is_empty() => return Ok(()),
            Whence::Behind(_) => return Err(AddressDenied::Unknown),
        };
        if self.deny.contains(client) {
            return Err(AddressDenied::Listed);
        }
        match &self.allow {
            Some(allow) if !allow.contains(client) => Err(AddressDenied::Unlisted),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn networks(list: &[&str]) -> Networks {
        Networks::new(&list.iter().map(|net| net.parse().unwrap()).collect::<Vec<_>>())
    }

    fn check(addresses: &Addresses, client: &str) -> Result<(), AddressDenied> {
        addresses.check(Whence::At(client.parse().unwrap()))
    }

    #[test]
    fn who_cannot_be_told_is_let_in_by_no_list() {
        let unknown = Whence::Behind("10.2.0.1".parse().unwrap());
        let deny = Addresses { allow: None, deny: networks(&["192.0.2.0/24"]) };
        let allow = Addresses { allow: Some(networks(&["0.0.0.0/0"])), deny: Networks::default() };
        assert_eq!(deny.check(unknown), Err(AddressDenied::Unknown));
        assert_eq!(allow.check(unknown), Err(AddressDenied::Unknown));
        assert_eq!(Addresses::default().check(unknown), Ok(()));
    }

    #[test]
    fn what_is_denied_is_not_let_in_even_where_it_is_allowed() {
        let both = Addresses { allow: Some(networks(&["10.0.0.0/8"])), deny: networks(&["10.1.0.0/16"]) };
        assert_eq!(check(&both, "10.2.0.1"), Ok(()));
        assert_eq!(check(&both, "10.1.0.1"), Err(AddressDenied::Listed));
        assert_eq!(check(&both, "192.0.2.1"), Err(AddressDenied::Unlisted));
    }

    #[test]
    fn with_nothing_allowed_by_name_everybody_else_is_let_in() {
        let deny = Addresses { allow: None, deny: networks(&["2001:db8::/32", "192.0.2.0/24"]) };
        assert_eq!(check(&deny, "198.51.100.1"), Ok(()));
        assert_eq!(check(&deny, "::ffff:192.0.2.1"), Err(AddressDenied::Listed));
        assert_eq!(check(&deny, "2001:db8::1"), Err(AddressDenied::Listed));
    }

    #[test]
    fn an_empty_list_of_those_allowed_lets_nobody_in() {
        let nobody = Addresses { allow: Some(Networks::default()), deny: Networks::default() };
        assert_eq!(check(&nobody, "127.0.0.1"), Err(AddressDenied::Unlisted));
    }
}
