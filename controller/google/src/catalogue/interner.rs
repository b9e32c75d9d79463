//! Each text once: a hundred thousand bindings have few distinct roles, members and conditions.

use std::{collections::HashMap, sync::Arc};

/// The number of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Id(u32);

#[derive(Debug, Default)]
pub(super) struct Interner {
    ids: HashMap<Arc<str>, Id>,
    texts: Vec<Arc<str>>,
}

impl Interner {
    /// The number of a text, a new one if it has none.
    pub(super) fn id(&mut self, text: &str) -> Id {
        if let Some(id) = self.ids.get(text) {
            return *id;
        }
        // So many texts would not fit into memory.
        let id = Id(u32::try_from(self.texts.len()).unwrap_or(u32::MAX));
        let text: Arc<str> = text.into();
        self.texts.push(Arc::clone(&text));
        self.ids.insert(text, id);
        id
    }

    pub(super) fn find(&self, text: &str) -> Option<Id> {
        self.ids.get(text).copied()
    }

    pub(super) fn text(&self, id: Id) -> &str {
        self.texts.get(id.0 as usize).map_or("", |text| text)
    }

    pub(super) fn shrink(&mut self) {
        self.ids.shrink_to_fit();
        self.texts.shrink_to_fit();
    }
}
