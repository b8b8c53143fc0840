//! Where the templates of one scheme stand in the file, so that a fault found by compiling them can be placed.

use super::{
    reader::Reader,
    template,
    tree::{Entry, Node, Place, Scalar, Style},
};
use crate::scheme::{
    Algorithm, AlgorithmDefinition, AnswerDefinition, Definition, Encoding, Fault, KeyDefinition, ReplayDefinition,
    RequirementDefinition, Scheme, SignatureDefinition, TimestampDefinition, TimestampFormat, ValueDefinition,
};

/// Where the parts of one scheme stand.
pub(super) struct Sites {
    /// The scheme's name.
    pub(super) scheme: Place,
    /// Said where a key is missing that a preset had.
    pub(super) hint: Option<&'static str>,
    /// The scheme's keys.
    pub(super) keys: Vec<(String, Place)>,
    /// The named values, where all of them could be read.
    pub(super) values: Option<Vec<(String, ValueDefinition)>>,
    /// How keys are made and algorithms named, where that could be read.
    pub(super) signing_key: Option<KeyDefinition>,
    pub(super) algorithm: Option<AlgorithmDefinition>,
    sites: Vec<Site>,
}

/// One template.
struct Site {
    field: &'static str,
    index: Option<usize>,
    inner: Option<usize>,
    /// The name it has in a map.
    key: Option<(String, Place)>,
    place: Place,
    /// Empty where it could not be read.
    scalar: Scalar,
}

impl Sites {
    pub(super) fn new(scheme: Place, from_preset: bool) -> Sites {
        let hint = from_preset.then_some("a key that stands here replaces the preset's, whole");
        Sites { scheme, hint, keys: Vec::new(), values: None, signing_key: None, algorithm: None, sites: Vec::new() }
    }

    /// The template in `node`, and that it stands there.
    pub(super) fn template(
        &mut self,
        node: &Node,
        field: &'static str,
        index: Option<usize>,
        reader: &mut Reader<'_>,
    ) -> Option<String> {
        self.inner_template(node, (field, index, None), reader)
    }

    /// The template of an entry's entry.
    pub(super) fn inner_template(
        &mut self,
        node: &Node,
        (field, index, inner): (&'static str, Option<usize>, Option<usize>),
        reader: &mut Reader<'_>,
    ) -> Option<String> {
        let read = reader.scalar(node, &format!("`{field}`"));
        let scalar = read.cloned().unwrap_or(Scalar { text: String::new(), style: Style::Elsewhere });
        self.sites.push(Site { field, index, inner, key: None, place: node.place, scalar });
        read.map(|scalar| scalar.text.clone())
    }

    /// That an entry stands there which is no template itself.
    pub(super) fn entry(&mut self, entry: &Entry, field: &'static str, index: usize) {
        let scalar = Scalar { text: String::new(), style: Style::Elsewhere };
        let key = Some((entry.key.clone(), entry.key_place));
        self.sites.push(Site { field, index: Some(index), inner: None, key, place: entry.key_place, scalar });
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
        let place = match self.site(fault) {
            Some(Site { key: Some((_, key)), .. }) if fault.length == 0 => *key,
            Some(site) => return template::report(site.place, &site.scalar, fault, reader),
            None => self.entry_or_key(fault),
        };
        let problem = reader.error(place, fault.message.clone());
        problem.hint.clone_from(&fault.hint);
    }

    /// Notes what is wrong with the templates of a definition that could not be read whole.
    pub(super) fn report_templates(&self, reader: &mut Reader<'_>) {
        // Without its values nothing can be said of what uses them.
        if self.values.is_none() && self.keys.iter().any(|(name, _)| name == "values") {
            return;
        }
        // Of what only stands in for the rest nothing is said: that it is missing has been reported.
        let is_own =
            |fault: &&Fault| self.site(fault).is_some_and(|site| !site.scalar.text.is_empty() || site.key.is_some());
        for fault in Scheme::template_faults(&self.stand_in()).iter().filter(is_own) {
            self.report(fault, reader);
        }
    }

    /// The name of the value that a fault is in, or else its key.
    fn entry_or_key(&self, fault: &Fault) -> Place {
        let names = self.sites.iter().filter(|site| site.field == "values" && site.index == fault.index);
        let named = names.filter_map(|site| site.key.as_ref()).map(|(_, place)| *place).next();
        named.filter(|_| fault.field.starts_with("values")).unwrap_or_else(|| self.key(fault.field))
    }

    /// The place of the key that `field` (`timestamp.formats`) is under.
    fn key(&self, field: &str) -> Place {
        let key = field.split('.').next().unwrap_or(field);
        self.keys.iter().find(|(name, _)| name == key).map_or(self.scheme, |(_, place)| *place)
    }

    fn site(&self, fault: &Fault) -> Option<&Site> {
        let Fault { field, index, inner, .. } = fault;
        self.sites.iter().find(|site| site.field == *field && site.index == *index && site.inner == *inner)
    }

    fn text(&self, field: &str, index: Option<usize>) -> Option<String> {
        let found = self.sites.iter().find(|site| site.field == field && site.index == index);
        found.map(|site| site.scalar.text.clone())
    }

    /// The templates that could be read, in a definition whose other parts stand in for what could not.
    fn stand_in(&self) -> Definition {
        // What is there and unreadable still has a meaning to other templates: `{key_id}`, `{now}`.
        let keyed = |key: &str, field: &str| {
            let has_key = self.keys.iter().any(|(name, _)| name == key);
            has_key.then(|| self.text(field, None).unwrap_or_default())
        };
        let from = self.text("signature.from", None).unwrap_or_default();
        let mut signature = SignatureDefinition::new(&from, Encoding::Hex, Algorithm::HmacSha256);
        signature.algorithm = self.algorithm.clone().unwrap_or(signature.algorithm);
        let timestamp = self.keys.iter().any(|(name, _)| name == "timestamp").then(|| TimestampDefinition {
            from: self.text("timestamp.from", None).or(Some(String::new())),
            expires: self.text("timestamp.expires", None),
            lasts: self.text("timestamp.lasts", None),
            formats: vec![TimestampFormat::Unix],
            ..TimestampDefinition::default()
        });
        Definition {
            key_id: keyed("key_id", "key_id"),
            values: self.values.clone().unwrap_or_default(),
            require: self.requirements(),
            signing_key: self.signing_key.clone(),
            timestamp,
            replay: self.text("replay", None).map(|key| ReplayDefinition { key: Some(key), remember: None }),
            emit: self.named("emit"),
            answer: self
                .text("answer.message", None)
                .map(|message| AnswerDefinition { message, emit: self.named("answer.emit") }),
            ..Definition::new("", &self.text("message", None).unwrap_or_default(), signature)
        }
    }

    fn named(&self, field: &str) -> Vec<(String, String)> {
        let of_field = self.sites.iter().filter(|site| site.field == field);
        let entry = |site: &Site| site.key.as_ref().map(|(name, _)| (name.clone(), site.scalar.text.clone()));
        of_field.filter_map(entry).collect()
    }

    /// Each at its own index, also where one before it has no templates.
    fn requirements(&self) -> Vec<RequirementDefinition> {
        let of_require = self.sites.iter().filter(|site| site.field.starts_with("require."));
        let count = of_require.filter_map(|site| site.index).max().map_or(0, |last| last + 1);
        let side = |field: &str, index: usize| self.text(field, Some(index)).unwrap_or_default();
        let both = |index| RequirementDefinition::equal(&side("require.left", index), &side("require.right", index));
        (0..count).map(both).collect()
    }
}
