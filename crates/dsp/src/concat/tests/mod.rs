//! Tests of the selection, its search, and the sound of a mosaic.

mod search;
mod selection;
mod sound;

use crate::concat::units::{UnitDescriptors, UnitDescriptorsError};
use crate::concat::*;

#[test]
fn settings_are_data_with_ranges() {
    let config = MosaicConfig { stay: 0.25, ..Default::default() };
    let text = serde_json::to_string(&config).unwrap();
    assert_eq!(serde_json::from_str::<MosaicConfig>(&text).unwrap(), config);
    assert_eq!(serde_json::from_str::<MosaicConfig>("{}").unwrap(), MosaicConfig::default());
    assert!(serde_json::from_str::<MosaicConfig>(r#"{"fade":3}"#).is_err());
    assert!(config.check().is_ok());
    let error = MosaicConfig { fade_ms: 0.0, ..Default::default() }.check().unwrap_err();
    assert_eq!(error.to_string(), "fade_ms must lie between 1 and 50, not at 0");
    let mad = MosaicConfig { gate_db: f32::NAN, jump_price: -1.0, max_gain_db: 1e9, ..Default::default() };
    let clamped = mad.clamped();
    assert_eq!((clamped.gate_db, clamped.jump_price, clamped.max_gain_db), (0.0, 0.0, 40.0));
    let error = MosaicConfig { repeat_ticks: 9001, ..Default::default() }.check().unwrap_err();
    assert_eq!(error.to_string(), "repeat_ticks must lie between 0 and 9000, not at 9001");
    assert_eq!(MosaicConfig { repeat_ticks: 1 << 30, ..Default::default() }.clamped().repeat_ticks, 9000);
}

#[test]
fn units_that_do_not_belong_together_are_refused() {
    let refused = |dims, rows: usize, units, flags| {
        UnitDescriptors::new(dims, &vec![0.0; rows], &vec![0.0; units], &vec![true; flags]).err()
    };
    assert_eq!(refused(3, 12, 4, 4), None);
    assert_eq!(refused(0, 0, 4, 4), None);
    assert_eq!(refused(3, 0, 0, 0), Some(UnitDescriptorsError::Number(0)));
    assert!(matches!(refused(3, 11, 4, 4), Some(UnitDescriptorsError::Lengths { .. })));
    assert!(matches!(refused(3, 12, 4, 3), Some(UnitDescriptorsError::Lengths { .. })));
    let units = UnitDescriptors::new(1, &[0.0; 4], &[1.0; 4], &[true, false, true, true]).unwrap();
    assert!(units.continues(0, 1) && !units.continues(1, 2) && units.continues(2, 3));
    assert!(!units.continues(3, 4) && !units.continues(0, 2) && !units.continues(u32::MAX, 0));
    assert!(units.loudness_db(3) == 1.0 && units.loudness_db(4).is_nan());
    assert_eq!(units.group(3), 0);
    assert_eq!(
        units.clone().with_groups(&[1]).err(),
        Some(UnitDescriptorsError::Groups { units: 4, groups: 1 })
    );
    let grouped = units.with_groups(&[7, 7, 2, 2]).unwrap();
    assert_eq!((grouped.group(1), grouped.group(2), grouped.group(9)), (7, 2, 0));
    assert_eq!((grouped.distance(&[3.0, 1.0], 2), grouped.distance(&[f32::NAN], 2)), (9.0, 0.0));
    assert_eq!(grouped.distance(&[3.0], 4), 1e30);
    let mut nearest = Vec::new();
    let rows = [f32::NAN, 1.0, 2.0, 7.0];
    let units = UnitDescriptors::new(1, &rows, &[1.0; 4], &[true; 4]).unwrap();
    units.nearest_of_groups(&[3.0], &mut nearest);
    assert_eq!(nearest, [1.0]);
    units.with_groups(&[0, 1, 1, 3]).unwrap().nearest_of_groups(&[3.0], &mut nearest);
    assert_eq!(nearest, [1e30, 1.0, 1e30, 16.0]);
}
