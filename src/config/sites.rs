//! Where the templates of one scheme stand in the file, so that a fault found by compiling them can be placed.

use super::{
    reader::Reader,
    template,
    tree::{Entry, Node, Place, Scalar, Style},
};
use crate::scheme::{
    Algorithm, Definition, Encoding, Equality, Fault, ReplayDefinition, Scheme, SignatureDefinition,
    TimestampDefinition, TimestampFormat,
};

/// Where the parts of one scheme stand.
pub(super) struct Sites {
    /// The scheme's name.
    pub(super) scheme: Place,
    /// Said where a key is missing that a preset had.
    pub(super) hint: Option<&'static str>,
    /// The scheme's keys.
    pub(super) keys: Vec<(String, Place)>,
    sites: Vec<Site>,
}

/// One template.
struct Site {
    field: &'static str,
    index: Option<usize>,
    /// The name it has in a map.
    key: Option<(String, Place)>,
    place: Place,
    /// Empty where it could not be read.
    scalar: Scalar,
}

impl Sites {
    pub(super) fn new(scheme: Place, from_preset: bool) -> Sites {
        let hint = from_preset.then_some("a key that stands here replaces the preset's, whole");
        Sites { scheme, hint, keys: Vec::new(), sites: Vec::new() }
    }

    /// The template in `node`, and that it stands there.
    pub(super) fn template(
        &mut self,
        node: &Node,
        field: &'static str,
        index: Option<usize>,
        reader: &mut Reader<'_>,
    ) -> Option<String> {
        let read = reader.scalar(node, &format!("`{field}`"));
        let scalar = read.cloned().unwrap_or(Scalar { text: String::new(), style: Style::Elsewhere });
        self.sites.push(Site { field, index, key: None, place: node.place, scalar });
        read.map(|scalar| scalar.text.clone())
    }

    /// The template of an entry of a map.
    pub(super) fn named_template(
        &mut self,
        entry: &Entry,
        field: &'static str,
        index: usize,
        reader: &mut Reader<'_>,
    ) -> Option<String> {
        let template = self.template(&entry.value, field, Some(index), reader);
        if let Some(site) = self.sites.last_mut() {
            site.key = Some((entry.key.clone(), entry.key_place));
        }
        template
    }

    /// Notes a fault at the template it is in, or else at its key, or else at the scheme's name.
    pub(super) fn report(&self, fault: &Fault, reader: &mut Reader<'_>) {
        let place = match self.site(fault.field, fault.index) {
            Some(Site { key: Some((_, key)), .. }) if fault.length == 0 => *key,
            Some(site) => return template::report(site.place, &site.scalar, fault, reader),
            None => self.key(fault.field),
        };
        let problem = reader.error(place, fault.message.clone());
        problem.hint.clone_from(&fault.hint);
    }

    /// Notes what is wrong with the templates of a definition that could not be read whole.
    pub(super) fn report_templates(&self, reader: &mut Reader<'_>) {
        // Without the names of its values nothing can be said of what uses them.
        if self.keys.iter().any(|(name, _)| name == "values") && self.named("values").is_empty() {
            return;
        }
        // Of what only stands in for the rest nothing is said: that it is missing has been reported.
        let is_own = |fault: &&Fault| {
            self.site(fault.field, fault.index).is_some_and(|site| !site.scalar.text.is_empty() || site.key.is_some())
        };
        for fault in Scheme::template_faults(&self.stand_in()).iter().filter(is_own) {
            self.report(fault, reader);
        }
    }

    /// The place of the key that `field` (`timestamp.formats`) is under.
    fn key(&self, field: &str) -> Place {
        let key = field.split('.').next().unwrap_or(field);
        self.keys.iter().find(|(name, _)| name == key).map_or(self.scheme, |(_, place)| *place)
    }

    fn site(&self, field: &str, index: Option<usize>) -> Option<&Site> {
        self.sites.iter().find(|site| site.field == field && site.index == index)
    }

    fn text(&self, field: &str, index: Option<usize>) -> Option<String> {
        self.site(field, index).map(|site| site.scalar.text.clone())
    }

    /// The templates that could be read, in a definition whose other parts stand in for what could not.
    fn stand_in(&self) -> Definition {
        // What is there and unreadable still has a meaning to other templates: `{key_id}`, `{now}`.
        let keyed = |key: &str, field: &str| {
            let has_key = self.keys.iter().any(|(name, _)| name == key);
            has_key.then(|| self.text(field, None).unwrap_or_default())
        };
        let signature = SignatureDefinition {
            from: self.text("signature.from", None).unwrap_or_default(),
            encoding: Encoding::Hex,
            algorithm: Algorithm::HmacSha256,
        };
        let timestamp = keyed("timestamp", "timestamp.from").map(|from| TimestampDefinition {
            from,
            formats: vec![TimestampFormat::Unix],
            past: None,
            future: None,
            dangerously_unsigned: false,
        });
        Definition {
            name: String::new(),
            key_id: keyed("key_id", "key_id"),
            values: self.named("values"),
            require: self.equalities(),
            message: self.text("message", None).unwrap_or_default(),
            signature,
            timestamp,
            replay: self.text("replay", None).map(|key| ReplayDefinition { key: Some(key), remember: None }),
            emit: self.named("emit"),
        }
    }

    fn named(&self, field: &str) -> Vec<(String, String)> {
        let of_field = self.sites.iter().filter(|site| site.field == field);
        let entry = |site: &Site| site.key.as_ref().map(|(name, _)| (name.clone(), site.scalar.text.clone()));
        of_field.filter_map(entry).collect()
    }

    /// Each at its own index, also where one before it has no templates.
    fn equalities(&self) -> Vec<Equality> {
        let of_require = self.sites.iter().filter(|site| site.field.starts_with("require."));
        let count = of_require.filter_map(|site| site.index).max().map_or(0, |last| last + 1);
        let side = |field: &str, index: usize| self.text(field, Some(index)).unwrap_or_default();
        let equality = |index| Equality { left: side("require.left", index), right: side("require.right", index) };
        (0..count).map(equality).collect()
    }
}
