//! Structured fields (RFC 9651), as a tree in the order of the field, and written back in their one canonical form.
//!
//! Parsing and writing are those of the crate `sfv`. Stricter than the RFC, a key that stands twice is refused where
//! the RFC lets the last one win: two readers of one signature must never see two values.

use std::collections::HashSet;

use sfv::{
    BareItem, BareItemFromInput, DictSerializer, ItemSerializer, Key, KeyRef, ListSerializer, ParameterSerializer,
    Parser,
    visitor::{DictionaryVisitor, EntryVisitor, InnerListVisitor, ItemVisitor, ListVisitor, ParameterVisitor},
};

/// Members, items or parameters on one level.
const MOST: usize = 1024;
/// Up to so many the keys before are gone through to see whether one stands twice; that costs the square of it.
const FEW: usize = 16;

/// Parameters, each key once.
pub(super) type Parameters = Vec<(Key, BareItem)>;

/// A value with parameters.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Item {
    pub(super) value: BareItem,
    pub(super) parameters: Parameters,
}

/// Items in parentheses, with parameters of their own.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct InnerList {
    pub(super) items: Vec<Item>,
    pub(super) parameters: Parameters,
}

/// What stands in a list, or under a key of a dictionary.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Member {
    Item(Item),
    InnerList(InnerList),
}

/// Members by key, each key once, in the order of the field.
pub(super) type Dictionary = Vec<(Key, Member)>;

/// Why a field is refused that may follow the RFC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Stricter {
    #[error("a key stands twice")]
    Repeated,
    #[error("more than {MOST} entries on one level")]
    TooMany,
}

/// Reads a field that is a dictionary; `None` where it is none.
pub(super) fn dictionary(field: &[u8]) -> Option<Dictionary> {
    Parser::new(field).parse_dictionary_with_visitor(DictionaryReader(Vec::new(), Seen::default())).ok()
}

/// Reads a field that is a list.
pub(super) fn list(field: &[u8]) -> Option<Vec<Member>> {
    Parser::new(field).parse_list_with_visitor(ListReader(Vec::new())).ok()
}

/// Reads a field that is one item.
pub(super) fn item(field: &[u8]) -> Option<Item> {
    let mut item = Item::blank();
    Parser::new(field).parse_item_with_visitor(&mut item).ok()?;
    Some(item)
}

/// The canonical text of a dictionary; empty for an empty one.
pub(super) fn write_dictionary(dictionary: &Dictionary) -> String {
    let mut serializer = DictSerializer::new();
    for (key, member) in dictionary {
        match member {
            Member::Item(item) => drop(with(serializer.bare_item(key, &item.value), &item.parameters)),
            Member::InnerList(list) => {
                let mut inner = serializer.inner_list(key);
                list.items.iter().for_each(|item| drop(with(inner.bare_item(&item.value), &item.parameters)));
                drop(with(inner.finish(), &list.parameters));
            }
        }
    }
    serializer.finish().unwrap_or_default()
}

/// The canonical text of a list; empty for an empty one.
pub(super) fn write_list<'m>(members: impl IntoIterator<Item = &'m Member>) -> String {
    let mut serializer = ListSerializer::new();
    for member in members {
        match member {
            Member::Item(item) => drop(with(serializer.bare_item(&item.value), &item.parameters)),
            Member::InnerList(list) => write_items(&mut serializer, list),
        }
    }
    serializer.finish().unwrap_or_default()
}

/// The canonical text of an inner list by itself.
pub(super) fn write_inner_list(list: &InnerList) -> String {
    let mut serializer = ListSerializer::new();
    write_items(&mut serializer, list);
    serializer.finish().unwrap_or_default()
}

/// The canonical text of one item.
pub(super) fn write_item(item: &Item) -> String {
    with(ItemSerializer::new().bare_item(&item.value), &item.parameters).finish()
}

fn write_items(serializer: &mut ListSerializer<String>, list: &InnerList) {
    let mut inner = serializer.inner_list();
    list.items.iter().for_each(|item| drop(with(inner.bare_item(&item.value), &item.parameters)));
    drop(with(inner.finish(), &list.parameters));
}

fn with<W: std::borrow::BorrowMut<String>>(
    serializer: ParameterSerializer<W>,
    parameters: &Parameters,
) -> ParameterSerializer<W> {
    parameters.iter().fold(serializer, |serializer, (key, value)| serializer.parameter(key, value))
}

impl Item {
    /// A value without parameters.
    pub(super) fn plain(value: impl Into<BareItem>) -> Item {
        Item { value: value.into(), parameters: Vec::new() }
    }

    fn blank() -> Item {
        Item::plain(true)
    }
}

struct DictionaryReader(Dictionary, Seen);

impl<'de> DictionaryVisitor<'de> for DictionaryReader {
    type Out = Dictionary;
    type Error = Stricter;

    fn entry(&mut self, key: &'de KeyRef) -> Result<impl EntryVisitor<'de>, Stricter> {
        Ok(Slot(&mut self.1.added(&mut self.0, key, Member::Item(Item::blank()))?.1))
    }

    fn finish(self) -> Result<Dictionary, Stricter> {
        Ok(self.0)
    }
}

struct ListReader(Vec<Member>);

impl<'de> ListVisitor<'de> for ListReader {
    type Out = Vec<Member>;
    type Error = Stricter;

    fn entry(&mut self) -> Result<impl EntryVisitor<'de>, Stricter> {
        Ok(Slot(pushed(&mut self.0, Member::Item(Item::blank()))?))
    }

    fn finish(self) -> Result<Vec<Member>, Stricter> {
        Ok(self.0)
    }
}

/// Where the next member goes.
struct Slot<'s>(&'s mut Member);

impl<'de> EntryVisitor<'de> for Slot<'_> {
    type Error = Stricter;

    fn item(self) -> Result<impl ItemVisitor<'de>, Stricter> {
        let Slot(member) = self;
        *member = Member::Item(Item::blank());
        Ok(MemberReader(member))
    }

    fn inner_list(self) -> Result<impl InnerListVisitor<'de>, Stricter> {
        let Slot(member) = self;
        *member = Member::InnerList(InnerList::default());
        Ok(MemberReader(member))
    }
}

/// Fills in a member that is of the right kind already.
struct MemberReader<'s>(&'s mut Member);

impl<'de> ItemVisitor<'de> for MemberReader<'_> {
    type Out = ();
    type Error = Stricter;

    fn bare_item(self, value: BareItemFromInput<'de>) -> Result<impl ParameterVisitor<'de, Out = ()>, Stricter> {
        if let Member::Item(item) = &mut *self.0 {
            item.value = value.into();
        }
        Ok(ParametersReader::new(self.0.parameters()))
    }
}

impl<'de> InnerListVisitor<'de> for MemberReader<'_> {
    type Error = Stricter;

    fn item(&mut self) -> Result<impl ItemVisitor<'de>, Stricter> {
        match &mut *self.0 {
            Member::Item(item) => Ok(item),
            Member::InnerList(list) => pushed(&mut list.items, Item::blank()),
        }
    }

    fn finish(self) -> Result<impl ParameterVisitor<'de>, Stricter> {
        Ok(ParametersReader::new(self.0.parameters()))
    }
}

impl<'de> ItemVisitor<'de> for &mut Item {
    type Out = ();
    type Error = Stricter;

    fn bare_item(self, value: BareItemFromInput<'de>) -> Result<impl ParameterVisitor<'de, Out = ()>, Stricter> {
        self.value = value.into();
        Ok(ParametersReader::new(&mut self.parameters))
    }
}

struct ParametersReader<'s>(&'s mut Parameters, Seen);

impl<'s> ParametersReader<'s> {
    fn new(parameters: &'s mut Parameters) -> ParametersReader<'s> {
        ParametersReader(parameters, Seen::default())
    }
}

impl<'de> ParameterVisitor<'de> for ParametersReader<'_> {
    type Out = ();
    type Error = Stricter;

    fn parameter(&mut self, key: &'de KeyRef, value: BareItemFromInput<'de>) -> Result<(), Stricter> {
        self.1.added(self.0, key, value.into()).map(|_| ())
    }

    fn finish(self) -> Result<(), Stricter> {
        Ok(())
    }
}

impl Member {
    fn parameters(&mut self) -> &mut Parameters {
        match self {
            Member::Item(item) => &mut item.parameters,
            Member::InnerList(list) => &mut list.parameters,
        }
    }
}

/// The keys of one level, once they are more than a few.
#[derive(Default)]
struct Seen(HashSet<String>);

impl Seen {
    fn added<'e, T>(
        &mut self,
        entries: &'e mut Vec<(Key, T)>,
        key: &KeyRef,
        value: T,
    ) -> Result<&'e mut (Key, T), Stricter> {
        let own = |(known, _): &(Key, T)| known.as_str().to_owned();
        let is_known = match entries.len() {
            ..=FEW => entries.iter().any(|(known, _)| known.as_str() == key.as_str()),
            _ => {
                if self.0.is_empty() {
                    self.0.extend(entries.iter().map(own));
                }
                !self.0.insert(key.as_str().to_owned())
            }
        };
        if is_known { Err(Stricter::Repeated) } else { pushed(entries, (key.to_owned(), value)) }
    }
}

fn pushed<T>(entries: &mut Vec<T>, entry: T) -> Result<&mut T, Stricter> {
    let at = entries.len();
    if at >= MOST {
        return Err(Stricter::TooMany);
    }
    entries.push(entry);
    entries.get_mut(at).ok_or(Stricter::TooMany)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_stands_twice_is_refused_however_many_there_are() {
        let keys = |count: usize| (0..count).map(|number| format!("a{number}")).collect::<Vec<_>>();
        for count in [1, FEW, FEW + 1, FEW + 2, MOST] {
            let all = keys(count);
            assert_eq!(dictionary(all.join(", ").as_bytes()).map(|read| read.len()), Some(count));
            for twice in [0, count / 2, count - 1] {
                let field = format!("{}, a{twice}", all.join(", "));
                assert!(dictionary(field.as_bytes()).is_none(), "{count} and a{twice}");
                let field = format!("x;{};a{twice}", all.join(";"));
                assert!(item(field.as_bytes()).is_none(), "{count} parameters and a{twice}");
            }
        }
        assert!(dictionary(keys(MOST + 1).join(", ").as_bytes()).is_none());
    }
}
