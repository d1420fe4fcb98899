//! A chunked list: a sorted, immutable list, of which a changed copy shares all but one or two rows with the original.
//!
//! It is for lists that are replaced whole on each change, as in read-copy-update (RCU), so that they are read without
//! a lock. Copying a flat list of n items at each change would cost n reference counts. Here items lie in rows, in the
//! order of their keys, and a change copies the row that it concerns and the list of rows: about n / 64 + 64 handles
//! for n items. Keys need not be unique. Finding an item by its key takes a binary search.
//!
//! The property test at the end of this file compares it with a plain list.

use std::sync::Arc;

/// The most items that a row holds.
pub(crate) const ROW: usize = 64;

pub(crate) struct ChunkedList<T> {
    /// `None` if there is no item. No row is empty.
    rows: Option<Arc<[Row<T>]>>,
}

struct Row<T> {
    /// The key of the first item. It is stored here so that a search for a row reads no row.
    first: u64,
    items: Arc<[(u64, T)]>,
}

impl<T> ChunkedList<T> {
    pub(crate) const fn new() -> Self {
        ChunkedList { rows: None }
    }

    fn list(&self) -> &[Row<T>] {
        self.rows.as_deref().unwrap_or_default()
    }

    /// Returns the items with their keys, row by row.
    pub(crate) fn rows(&self) -> impl Iterator<Item = &[(u64, T)]> {
        self.list().iter().map(|row| &*row.items)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_none()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.pairs().map(|(_, item)| item)
    }

    /// Returns the items with their keys.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = &(u64, T)> {
        self.rows().flatten()
    }

    pub(crate) fn len(&self) -> usize {
        self.rows().map(<[_]>::len).sum()
    }

    /// Returns the items with keys above this one, in descending order.
    pub(crate) fn above(&self, key: u64) -> impl Iterator<Item = &T> {
        let items = self
            .list()
            .iter()
            .rev()
            .flat_map(|row| row.items.iter().rev());
        items
            .take_while(move |(at, _)| *at > key)
            .map(|(_, item)| item)
    }

    /// Returns the item with this key for which `is` holds.
    pub(crate) fn get(&self, key: u64, is: impl Fn(&T) -> bool) -> Option<&T> {
        let (row, place) = self.find(key, is).ok()?;
        Some(&self.list()[row].items[place].1)
    }

    /// Returns the place of the item with this key for which `is` holds. On `Err`, returns the place where an item with
    /// this key would go.
    fn find(&self, key: u64, is: impl Fn(&T) -> bool) -> Result<(usize, usize), (usize, usize)> {
        let rows = self.list();
        // The last row that begins before the key: items with the key may begin in it.
        let row = (rows.partition_point(|row| row.first < key)).saturating_sub(1);
        let Some(items) = rows.get(row).map(|row| &row.items) else {
            return Err((0, 0));
        };
        let place = items.partition_point(|(at, _)| *at < key);
        // The usual case: keys are hardly ever the same.
        if let Some((at, item)) = items.get(place)
            && *at == key
            && is(item)
        {
            return Ok((row, place));
        }
        let here = items
            .iter()
            .enumerate()
            .skip(place)
            .map(|(at, it)| (row, at, it));
        let beyond = (rows.iter().enumerate().skip(row + 1)).flat_map(|(row, it)| {
            it.items
                .iter()
                .enumerate()
                .map(move |(at, it)| (row, at, it))
        });
        here.chain(beyond)
            .take_while(|(_, _, (at, _))| *at == key)
            .find(|(_, _, (_, item))| is(item))
            .map(|(row, at, _)| (row, at))
            .ok_or((row, place))
    }
}

impl<T: Clone> ChunkedList<T> {
    /// Returns the list with this item, or without one if it is `None`, in place of the item with this key for which
    /// `is` holds.
    pub(crate) fn set(&self, key: u64, item: Option<T>, is: impl Fn(&T) -> bool) -> Self {
        match item {
            Some(item) => self.with(key, item, is),
            None => self.without(key, is),
        }
    }

    /// Returns the list with this item, which takes the place of the item with its key for which `replaces` holds.
    pub(crate) fn with(&self, key: u64, item: T, replaces: impl Fn(&T) -> bool) -> Self {
        let mut rows = self.list().to_vec();
        let new = (key, item);
        match self.find(key, replaces) {
            Ok((row, place)) => {
                let items = &rows[row].items;
                let (before, after) = (&items[..place], &items[place + 1..]);
                rows[row] = Row::of(before.iter().chain([&new]).chain(after));
            }
            Err(_) if rows.is_empty() => rows.push(Row::of(&[new])),
            Err((row, place)) => {
                let items = Arc::clone(&rows[row].items);
                let (before, after) = items.split_at(place);
                if items.len() < ROW {
                    rows[row] = Row::of(before.iter().chain([&new]).chain(after));
                } else if after.is_empty() && row + 1 == rows.len() {
                    // A list that is only ever appended to fills all its rows.
                    rows.push(Row::of(&[new]));
                } else {
                    let items: Vec<_> = before.iter().chain([&new]).chain(after).cloned().collect();
                    let (left, right) = items.split_at(items.len() / 2);
                    rows[row] = Row::of(left);
                    rows.insert(row + 1, Row::of(right));
                }
            }
        }
        Self::of(rows)
    }

    /// Returns the list without the item with this key for which `is` holds. Returns the same list if there is none.
    pub(crate) fn without(&self, key: u64, is: impl Fn(&T) -> bool) -> Self {
        let Ok((row, place)) = self.find(key, is) else {
            return self.clone();
        };
        let mut rows = self.list().to_vec();
        let items = Arc::clone(&rows[row].items);
        if items.len() == 1 {
            rows.remove(row);
        } else {
            rows[row] = Row::of(items[..place].iter().chain(&items[place + 1..]));
        }
        // Adjacent rows that fit into one are merged, so that there are not many rows with few items.
        for left in [row, row.saturating_sub(1)] {
            if let [one, other] = &rows[left..rows.len().min(left + 2)]
                && one.items.len() + other.items.len() <= ROW
            {
                rows[left] = Row::of(one.items.iter().chain(&*other.items));
                rows.remove(left + 1);
            }
        }
        Self::of(rows)
    }

    /// Returns the list with the items for which `keep` holds, in one pass.
    pub(crate) fn retain<'a>(&'a self, mut keep: impl FnMut(&'a T) -> bool) -> Self {
        self.filter_map(|item| keep(item).then(|| item.clone()))
    }

    /// Returns the list with what `change` makes of each item, in one pass. Items for which it returns `None` are
    /// dropped.
    pub(crate) fn filter_map<'a>(&'a self, mut change: impl FnMut(&'a T) -> Option<T>) -> Self {
        let items: Vec<_> = (self.pairs())
            .filter_map(|(key, item)| Some((*key, change(item)?)))
            .collect();
        Self::of(items.chunks(ROW).map(Row::of).collect())
    }

    fn of(rows: Vec<Row<T>>) -> Self {
        ChunkedList {
            rows: (!rows.is_empty()).then(|| rows.into()),
        }
    }
}

impl<T: Clone> Row<T> {
    /// Makes a row of these items, of which there is at least one.
    fn of<'a>(items: impl IntoIterator<Item = &'a (u64, T)>) -> Self
    where
        T: 'a,
    {
        let items: Arc<[_]> = items.into_iter().cloned().collect();
        Row {
            first: items[0].0,
            items,
        }
    }
}

/// Cloning makes another handle on the same list.
impl<T> Clone for ChunkedList<T> {
    fn clone(&self) -> Self {
        ChunkedList {
            rows: self.rows.clone(),
        }
    }
}

impl<T> Clone for Row<T> {
    fn clone(&self) -> Self {
        Row {
            first: self.first,
            items: Arc::clone(&self.items),
        }
    }
}

#[cfg(all(test, not(oxide_loom)))]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    /// Returns the contents, row by row.
    fn rows(list: &ChunkedList<u8>) -> Vec<Vec<(u64, u8)>> {
        list.rows().map(<[_]>::to_vec).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            cases: 200,
            rng_seed: proptest::test_runner::RngSeed::Fixed(0x5e1f),
            failure_persistence: None,
            ..ProptestConfig::default()
        })]

        /// There are few keys, so that many items share one.
        #[test]
        fn a_chunked_list_holds_what_a_plain_list_does_and_old_ones_stay_as_they_are(
            steps in vec((any::<bool>(), 0..40_u64, 0..8_u8), 1..600),
        ) {
            let mut plain: Vec<(u64, u8)> = Vec::new();
            let mut list = ChunkedList::new();
            for (put, key, item) in steps {
                let (old, before) = (list.clone(), rows(&list));
                plain.retain(|it| *it != (key, item));
                if put {
                    plain.push((key, item));
                    list = list.with(key, item, |it| *it == item);
                } else {
                    list = list.without(key, |it| *it == item);
                }
                prop_assert_eq!(list.get(key, |it| *it == item).is_some(), put);
                prop_assert_eq!(rows(&old), before);

                let rows = rows(&list);
                let flat = rows.concat();
                prop_assert!(flat.is_sorted_by_key(|(key, _)| *key));
                prop_assert!(rows.iter().all(|row| (1..=ROW).contains(&row.len())));
                prop_assert!(rows.len() <= 2 + plain.len() / (ROW / 4), "{:?}", rows);
                prop_assert_eq!(list.is_empty(), plain.is_empty());
            }
            let mut flat = rows(&list).concat();
            prop_assert_eq!(list.len(), flat.len());
            for key in 0..40 {
                let above = flat.iter().rev().filter(|(at, _)| *at > key).map(|(_, item)| item);
                prop_assert!(list.above(key).eq(above));
            }
            let odd = rows(&list.retain(|item| item % 2 == 1)).concat();
            flat.retain(|(_, item)| item % 2 == 1);
            prop_assert_eq!(&odd, &flat);
            flat = rows(&list).concat();
            flat.sort_unstable();
            plain.sort_unstable();
            prop_assert_eq!(flat, plain);
        }
    }

    #[test]
    fn a_thread_that_only_appends_fills_all_rows() {
        let mut list = ChunkedList::new();
        for key in 0..10 * ROW as u64 {
            list = list.with(key, (), |()| true);
        }
        assert_eq!(list.list().len(), 10);
    }
}
